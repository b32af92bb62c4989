#include "worker/engine/input_check.hpp"

#include "proto/limits.hpp"
#include "worker/engine/input_data.hpp"

#include <algorithm>
#include <cstring>

namespace coppice::worker {

namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const auto size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

tl::unexpected<error> reject(const std::string& name, const std::string& what) {
  return fail(errc::invalid, "Input " + shown_name(name) + " " + what + ".");
}

/// BYTES elements are [4-byte little-endian length][bytes] each and fill the buffer exactly.
expected<void> check_bytes_layout(const std::string& name, std::span<const std::byte> bytes,
                                  std::uint64_t elements) {
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < elements; ++i) {
    std::uint32_t size = 0;
    if (bytes.size() - at < sizeof size) return reject(name, "ends inside a BYTES element");
    std::memcpy(&size, bytes.data() + at, sizeof size);
    at += sizeof size;
    if (bytes.size() - at < size) return reject(name, "ends inside a BYTES element");
    at += size;
  }
  if (at != bytes.size()) return reject(name, "has bytes behind its last BYTES element");
  return {};
}

/// Other bytes than 0 and 1 are no booleans: what a model makes of them is undefined.
expected<void> check_booleans(const host_tensor& tensor) {
  if (tensor.type != datatype::boolean) return {};
  const bool good = std::all_of(tensor.bytes.begin(), tensor.bytes.end(),
                                [](std::byte each) { return each <= std::byte{1}; });
  if (good) return {};
  return reject(tensor.name, "has a BOOL element that is neither 0 nor 1");
}

expected<void> check_size(const host_tensor& tensor, std::uint64_t elements) {
  if (tensor.type == datatype::bytes)
    return check_bytes_layout(tensor.name, tensor.bytes, elements);
  const auto wanted = elements * datatype_size(tensor.type);
  if (tensor.bytes.size() == wanted) return check_booleans(tensor);
  return reject(tensor.name, "has " + std::to_string(tensor.bytes.size()) + " bytes; " +
                                 std::string{datatype_name(tensor.type)} + " of shape " +
                                 shape_text(tensor.shape) + " takes " + std::to_string(wanted));
}

expected<void> attach_elements(const proto::tensor& from, const shared_frames& frames,
                               std::uint64_t elements, host_tensor& to) {
  if (from.frame && !from.data.empty()) return reject(from.name, "has both 'frame' and 'data'");
  if (from.frame) {
    if (*from.frame >= frames.size())
      return reject(from.name, "names frame " + std::to_string(*from.frame) + "; " +
                                   std::to_string(frames.size()) + " came");
    const auto& frame = frames[*from.frame];
    to.bytes = frame.bytes;
    to.owner = frame.owner;
    return {};
  }
  if (from.data.empty() && elements > 0) return reject(from.name, "has neither 'frame' nor 'data'");
  if (from.data.empty()) return {};
  auto raw = raw_elements(from, to.type, elements);
  if (!raw) return tl::unexpected(raw.error());
  const auto owned = std::make_shared<const std::string>(std::move(*raw));
  to.bytes = std::as_bytes(std::span{owned->data(), owned->size()});
  to.owner = owned;
  return {};
}

expected<host_tensor> check_tensor(const proto::tensor& from, const shared_frames& frames) {
  host_tensor tensor;
  tensor.name = from.name;
  tensor.shape = from.shape;
  const auto type = datatype_from_name(from.datatype);
  if (!type) return reject(from.name, "has the unknown datatype " + shown_name(from.datatype));
  tensor.type = *type;
  const auto elements = element_count(from.name, from.shape);
  if (!elements) return tl::unexpected(elements.error());
  if (auto done = attach_elements(from, frames, *elements, tensor); !done)
    return tl::unexpected(done.error());
  if (auto done = check_size(tensor, *elements); !done) return tl::unexpected(done.error());
  return tensor;
}

/// Whether `shape` fits `wanted`, where -1 stands for any size; `wanted` begins after `skip`.
bool fits(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& wanted,
          std::size_t skip) {
  if (shape.size() != wanted.size() + skip) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i] >= 0 && shape[i + skip] != wanted[i]) return false;
  return true;
}

expected<void> check_against(const tensor_rule& rule, bool batchable, const proto::tensor& from) {
  const auto& spec = rule.spec;
  if (from.datatype != spec.datatype)
    return reject(from.name, "must be " + spec.datatype + ", not " + shown_name(from.datatype));
  if (fits(from.shape, spec.shape, batchable ? 1 : 0)) return {};
  auto wanted = spec.shape;
  if (batchable) wanted.insert(wanted.begin(), -1);
  return reject(from.name, "must have shape " + shape_text(wanted) + " (-1: any), not " +
                               shape_text(from.shape));
}

std::string names_of(const std::vector<tensor_rule>& rules) {
  std::string text;
  for (const auto& rule : rules) text += (text.empty() ? "'" : ", '") + rule.spec.name + "'";
  return text;
}

const proto::tensor* find(const std::vector<proto::tensor>& tensors, const std::string& name) {
  for (const auto& each : tensors)
    if (each.name == name) return &each;
  return nullptr;
}

expected<std::uint32_t> check_rows(const model_spec& spec, const batch_item& item) {
  if (!spec.batchable || spec.inputs.empty()) return 1u;
  const auto rows = item.inputs.front().shape.front();
  for (const auto& input : item.inputs)
    if (input.shape.front() != rows)
      return reject(input.name, "has " + std::to_string(input.shape.front()) + " rows where '" +
                                    item.inputs.front().name + "' has " + std::to_string(rows));
  if (rows < 1 || rows > spec.max_batch)
    return reject(item.inputs.front().name, "has " + std::to_string(rows) +
                                                " rows; the model takes "
                                                "1 to " +
                                                std::to_string(spec.max_batch));
  return static_cast<std::uint32_t>(rows);
}

/// Models without described outputs give their inputs back.
bool has_output(const model_spec& spec, const batch_item& item, const std::string& name) {
  const auto is_named = [&](const auto& each) { return each.name == name; };
  if (spec.outputs.empty()) return std::any_of(item.inputs.begin(), item.inputs.end(), is_named);
  return std::any_of(spec.outputs.begin(), spec.outputs.end(),
                     [&](const tensor_rule& rule) { return is_named(rule.spec); });
}

expected<void> check_outputs(const model_spec& spec, const batch_item& item,
                             const std::vector<std::string>& wanted) {
  for (const auto& name : wanted)
    if (!has_output(spec, item, name))
      return fail(errc::invalid,
                  "Model '" + spec.name + "' has no output " + shown_name(name) + ".");
  return {};
}

expected<void> take_all(const proto::link_request& request, const shared_frames& frames,
                        batch_item& item) {
  for (const auto& each : request.inputs) {
    auto tensor = check_tensor(each, frames);
    if (!tensor) return tl::unexpected(tensor.error());
    item.inputs.push_back(std::move(*tensor));
  }
  return {};
}

expected<void> take_by_rule(const model_spec& spec, const proto::link_request& request,
                            const shared_frames& frames, batch_item& item) {
  for (const auto& given : request.inputs)
    if (std::none_of(spec.inputs.begin(), spec.inputs.end(),
                     [&](const tensor_rule& rule) { return rule.spec.name == given.name; }))
      return reject(given.name, "is not one of the model's: " + names_of(spec.inputs));
  if (request.inputs.size() > spec.inputs.size())
    return fail(errc::invalid, "Model '" + spec.name + "' takes " +
                                   std::to_string(spec.inputs.size()) + " inputs, not " +
                                   std::to_string(request.inputs.size()) + ".");
  for (const auto& rule : spec.inputs) {
    const auto* given = find(request.inputs, rule.spec.name);
    if (given == nullptr) return reject(rule.spec.name, "is missing");
    if (auto done = check_against(rule, spec.batchable, *given); !done) return done;
    auto tensor = check_tensor(*given, frames);
    if (!tensor) return tl::unexpected(tensor.error());
    item.inputs.push_back(std::move(*tensor));
  }
  return {};
}

}  // namespace

expected<std::uint64_t> element_count(const std::string& name,
                                      const std::vector<std::int64_t>& shape) {
  if (shape.size() > proto::max_rank)
    return reject(name, "has rank " + std::to_string(shape.size()) + "; at most " +
                            std::to_string(proto::max_rank) + " is allowed");
  std::uint64_t elements = 1;
  for (const auto size : shape) {
    if (size < 0) return reject(name, "has the negative dimension " + std::to_string(size));
    const auto wide = static_cast<std::uint64_t>(size);
    if (wide > proto::max_elements || elements * wide > proto::max_elements)
      return reject(name, "has more than " + std::to_string(proto::max_elements) + " elements");
    elements *= wide;
  }
  return elements;
}

expected<batch_item> check_inputs(const model_spec& spec, const proto::link_request& request,
                                  const shared_frames& frames) {
  batch_item item;
  item.parameters = request.parameters;
  auto taken = spec.inputs.empty() ? take_all(request, frames, item)
                                   : take_by_rule(spec, request, frames, item);
  if (!taken) return tl::unexpected(taken.error());
  if (auto known = check_outputs(spec, item, request.outputs); !known)
    return tl::unexpected(known.error());
  const auto rows = check_rows(spec, item);
  if (!rows) return tl::unexpected(rows.error());
  item.rows = *rows;
  return item;
}

}  // namespace coppice::worker
