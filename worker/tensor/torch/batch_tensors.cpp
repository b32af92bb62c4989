#include "worker/tensor/torch/batch_tensors.hpp"

#include <ATen/Functions.h>
#include <algorithm>
#include <array>
#include <cstring>

namespace coppice::worker {

namespace {

constexpr std::array<std::pair<datatype, at::ScalarType>, 13> types{
    {{datatype::boolean, at::kBool},
     {datatype::uint8, at::kByte},
     {datatype::uint16, at::kUInt16},
     {datatype::uint32, at::kUInt32},
     {datatype::uint64, at::kUInt64},
     {datatype::int8, at::kChar},
     {datatype::int16, at::kShort},
     {datatype::int32, at::kInt},
     {datatype::int64, at::kLong},
     {datatype::fp16, at::kHalf},
     {datatype::bf16, at::kBFloat16},
     {datatype::fp32, at::kFloat},
     {datatype::fp64, at::kDouble}}};

using shape_type = std::vector<std::int64_t>;

/// The shape of the whole batch: rows added up, every other dimension the largest, and with
/// buckets rounded up to the next of them.
shape_type batch_shape(const model_spec& spec, std::span<const batch_item> batch,
                       std::size_t index) {
  auto shape = batch.front().inputs[index].shape;
  for (const auto& item : batch.subspan(1)) {
    const auto& other = item.inputs[index].shape;
    for (std::size_t d = 1; d < shape.size(); ++d) shape[d] = std::max(shape[d], other[d]);
    shape[0] += other[0];
  }
  if (spec.padding != padding_mode::buckets) return shape;
  const auto& wanted = spec.inputs[index].spec.shape;
  for (std::size_t d = 1; d < shape.size(); ++d) {
    const auto bucket = std::lower_bound(spec.buckets.begin(), spec.buckets.end(), shape[d]);
    if (wanted[d - 1] < 0 && bucket != spec.buckets.end()) shape[d] = *bucket;
  }
  return shape;
}

/// Copies one item's rows into the batch, dimension by dimension where its inner shape is smaller.
void copy_rows(const std::byte* from, const shape_type& from_shape, std::byte* to,
               const shape_type& to_shape, std::size_t d, std::size_t element) {
  std::size_t from_stride = element, to_stride = element;
  bool same = true;
  for (std::size_t i = d + 1; i < from_shape.size(); ++i) {
    from_stride *= static_cast<std::size_t>(from_shape[i]);
    to_stride *= static_cast<std::size_t>(to_shape[i]);
    same = same && from_shape[i] == to_shape[i];
  }
  const auto n = static_cast<std::size_t>(from_shape[d]);
  if (same) {
    std::memcpy(to, from, n * from_stride);
    return;
  }
  for (std::size_t i = 0; i < n; ++i)
    copy_rows(from + i * from_stride, from_shape, to + i * to_stride, to_shape, d + 1, element);
}

at::Tensor single(const host_tensor& input) {
  auto tensor = at::empty(input.shape, scalar_type(input.type));
  std::memcpy(tensor.data_ptr(), input.bytes.data(), input.bytes.size());
  return tensor;
}

std::string text(c10::IntArrayRef shape) {
  std::string out;
  for (const auto size : shape) out += (out.empty() ? "" : ", ") + std::to_string(size);
  return "[" + out + "]";
}

/// Whether `actual`, without the batch if there is one, is what model.yml says (-1: any).
bool fits(const model_spec& spec, const shape_type& wanted, c10::IntArrayRef actual) {
  const auto own = spec.batchable ? actual.slice(1) : actual;
  return std::equal(own.begin(), own.end(), wanted.begin(), wanted.end(),
                    [](auto size, auto rule) { return rule < 0 || size == rule; });
}

}  // namespace

at::ScalarType scalar_type(datatype type) {
  for (const auto& [oip, aten] : types)
    if (oip == type) return aten;
  return at::kByte;
}

expected<datatype> datatype_of(at::ScalarType type) {
  for (const auto& [oip, aten] : types)
    if (aten == type) return oip;
  return fail(errc::model_error, std::string{"The model gave a tensor of type "} +
                                     c10::toString(type) + ", which cannot be sent.");
}

at::Tensor assemble(const model_spec& spec, std::span<const batch_item> batch, std::size_t index) {
  const auto& first = batch.front().inputs[index];
  if (!spec.batchable) return single(first);
  const auto shape = batch_shape(spec, batch, index);
  const bool same = std::all_of(batch.begin(), batch.end(), [&](const batch_item& item) {
    const auto& own = item.inputs[index].shape;
    return std::equal(own.begin() + 1, own.end(), shape.begin() + 1);
  });
  auto whole = same ? at::empty(shape, scalar_type(first.type))
                    : at::full(shape, spec.inputs[index].pad_value, scalar_type(first.type));
  auto* to = static_cast<std::byte*>(whole.data_ptr());
  const auto row_bytes = shape[0] == 0 ? 0 : whole.nbytes() / static_cast<std::size_t>(shape[0]);
  for (const auto& item : batch) {
    const auto& input = item.inputs[index];
    copy_rows(input.bytes.data(), input.shape, to, shape, 0, whole.element_size());
    to += row_bytes * item.rows;
  }
  return whole;
}

expected<std::vector<item_outputs>> split(const model_spec& spec, std::span<const batch_item> batch,
                                          const std::vector<at::Tensor>& outputs) {
  std::vector<item_outputs> items(batch.size());
  std::int64_t rows = 0;
  for (const auto& item : batch) rows += item.rows;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const auto& whole = outputs[k];
    const auto& wanted = spec.outputs[k].spec;
    const auto type = datatype_of(whole.scalar_type());
    if (!type) return tl::unexpected(type.error());
    if (datatype_name(*type) != wanted.datatype)
      return fail(errc::model_error, "Output '" + wanted.name + "' is " +
                                         std::string{datatype_name(*type)} + "; model.yml says " +
                                         wanted.datatype + ".");
    if (spec.batchable && (whole.dim() == 0 || whole.size(0) != rows))
      return fail(errc::model_error,
                  "Output '" + wanted.name + "' has not one row for each input row.");
    if (!fits(spec, wanted.shape, whole.sizes()))
      return fail(errc::model_error, "Output '" + wanted.name + "' has shape " +
                                         text(whole.sizes()) + "; model.yml says " +
                                         (spec.batchable ? "rows x " : "") + text(wanted.shape) +
                                         ".");
    const auto owner = std::make_shared<at::Tensor>(whole);
    const auto* at = static_cast<const std::byte*>(whole.data_ptr());
    const auto row_bytes = rows == 0 ? 0 : whole.nbytes() / static_cast<std::size_t>(rows);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto shape = whole.sizes().vec();
      const auto bytes = spec.batchable ? row_bytes * batch[i].rows : whole.nbytes();
      if (spec.batchable) shape[0] = batch[i].rows;
      items[i].push_back({wanted.name, *type, std::move(shape), {at, bytes}, owner});
      at += bytes;
    }
  }
  return items;
}

}  // namespace coppice::worker
