#include "worker/engine/warm_model.hpp"

#include "worker/engine/self_test_run.hpp"

#include <cstring>
#include <vector>

namespace coppice::worker {

namespace {

std::vector<std::int64_t> warm_up_shape(const model_spec& spec, const tensor_rule& rule) {
  const auto chosen = spec.warm_up_shape.find(rule.spec.name);
  std::vector<std::int64_t> shape;
  if (spec.batchable) shape.push_back(spec.warm_up_rows);
  std::size_t variable = 0;
  for (const auto size : rule.spec.shape) {
    const bool named =
        size < 0 && chosen != spec.warm_up_shape.end() && variable < chosen->second.size();
    shape.push_back(size >= 0 ? size : named ? chosen->second[variable] : 1);
    if (size < 0) ++variable;
  }
  return shape;
}

template <class T>
void fill_as(std::vector<std::byte>& bytes, double value) {
  const auto element = static_cast<T>(value);
  for (std::size_t at = 0; at + sizeof element <= bytes.size(); at += sizeof element)
    std::memcpy(bytes.data() + at, &element, sizeof element);
}

/// Sets every element of the usual datatypes; others stay zero.
void fill(std::vector<std::byte>& bytes, datatype type, double value) {
  if (type == datatype::int64) fill_as<std::int64_t>(bytes, value);
  if (type == datatype::int32) fill_as<std::int32_t>(bytes, value);
  if (type == datatype::fp32) fill_as<float>(bytes, value);
  if (type == datatype::fp64) fill_as<double>(bytes, value);
}

}  // namespace

batch_item warm_up_item(const model_spec& spec) {
  batch_item item;
  item.rows = spec.batchable ? spec.warm_up_rows : 1;
  for (const auto& rule : spec.inputs) {
    host_tensor tensor;
    tensor.name = rule.spec.name;
    tensor.type = *datatype_from_name(rule.spec.datatype);
    tensor.shape = warm_up_shape(spec, rule);
    std::size_t bytes = tensor.type == datatype::bytes ? 4 : datatype_size(tensor.type);
    for (const auto size : tensor.shape) bytes *= static_cast<std::size_t>(size);
    const auto zeros = std::make_shared<std::vector<std::byte>>(bytes);
    if (const auto value = spec.warm_up_value.find(rule.spec.name);
        value != spec.warm_up_value.end())
      fill(*zeros, tensor.type, value->second);
    tensor.bytes = *zeros;
    tensor.owner = zeros;
    item.inputs.push_back(std::move(tensor));
  }
  return item;
}

expected<std::unique_ptr<model>> load_warm(const model_spec& spec, model_loader load,
                                           const std::string& device) try {
  auto instance = load(spec, device);
  if (!instance || spec.inputs.empty()) return instance;
  const auto item = warm_up_item(spec);
  // The second run is the one that counts: libtorch optimises a graph after the first.
  for (int i = 0; i < 3; ++i)
    if (auto ran = (*instance)->run({&item, 1}); !ran)
      return fail(ran.error().code, "The warm-up with zeros failed: " + ran.error().message +
                                        " Check the inputs and 'warm_up' of model.yml.");
  if (auto passed = run_self_tests(**instance, spec); !passed)
    return tl::unexpected(passed.error());
  return instance;
} catch (const std::exception& failure) {
  return fail(errc::invalid, std::string{"Loading failed: "} + failure.what());
}

}  // namespace coppice::worker
