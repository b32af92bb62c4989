#include "worker/model/model_file.hpp"

#include "base/config_file.hpp"
#include "proto/limits.hpp"
#include "worker/model/builtin_spec.hpp"
#include "worker/model/datatype.hpp"
#include "worker/model/self_test_file.hpp"
#include "worker/model/yaml_checks.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace coppice::worker {

namespace {

constexpr std::array<std::string_view, 21> root_keys{
    "inputs",         "outputs", "batchable",  "max_batch",     "max_delay_ms", "policy",
    "padding",        "buckets", "instances",  "threads",       "warm_up",      "backend",
    "builtin",        "device",  "attributes", "torch_version", "description",  "sequences",
    "hedge_after_ms", "steady",  "self_test"};
constexpr std::array<std::string_view, 5> tensor_keys{"name", "datatype", "shape", "attribute",
                                                      "pad_value"};
constexpr std::array<std::string_view, 3> warm_up_keys{"rows", "shape", "value"};

/// Reads one model.yml into a spec without version; what is wrong becomes findings.
class spec_reader : private yaml_checks {
 public:
  using yaml_checks::yaml_checks;

  /// The spec, or nothing if a finding was added.
  std::optional<model_spec> read(std::string name);

 private:
  void tensors(const YAML::Node& root, const char* key, std::vector<tensor_rule>& out);
  void tensor(const YAML::Node& node, tensor_rule& out);
  void shape(const YAML::Node& node, std::vector<std::int64_t>& out);
  void padding(const YAML::Node& root, model_spec& spec);
  void warm_up(const YAML::Node& root, model_spec& spec);
  bool is_input(const YAML::Node& name, const model_spec& spec);
  void warm_up_value(const YAML::Node& name, const YAML::Node& value, model_spec& spec);
  void warm_up_shape(const YAML::Node& name, const YAML::Node& sizes, model_spec& spec);
  void backend(const YAML::Node& root, model_spec& spec);
  void attributes(const YAML::Node& root, model_spec& spec);
  void streaming(const YAML::Node& root, model_spec& spec);
};

void spec_reader::shape(const YAML::Node& node, std::vector<std::int64_t>& out) {
  if (!node.IsSequence())
    return reject(node, "a shape must be a list.",
                  "Write [] for a scalar, -1 for a variable size.");
  for (const auto& each : node) {
    std::int64_t size = 0;
    if (!YAML::convert<std::int64_t>::decode(each, size) || size < -1)
      return reject(each, "a dimension must be -1 or a whole number from 0.", "Correct the shape.");
    out.push_back(size);
  }
  if (out.size() >= proto::max_rank)
    reject(node, "a shape has too many dimensions.", "At most 7 beside the batch are served.");
}

void spec_reader::tensor(const YAML::Node& node, tensor_rule& out) {
  if (!node.IsMap() || !node["name"] || !node["datatype"] || !node["shape"])
    return reject(node, "a tensor needs name, datatype and shape.",
                  "Write {name: x, datatype: FP32, shape: [8]}.");
  check_keys(node, tensor_keys, " of a tensor");
  out.spec.name = node["name"].as<std::string>("");
  out.spec.datatype = node["datatype"].as<std::string>("");
  out.attribute = node["attribute"].as<std::string>("");
  if (node["pad_value"] && !YAML::convert<double>::decode(node["pad_value"], out.pad_value))
    reject(node["pad_value"], "'pad_value' is no number.", "Write the number that fills padding.");
  if (out.spec.name.empty() || out.spec.name.size() > proto::max_name_bytes)
    reject(node["name"], "a tensor's name must have 1 to 256 bytes.",
           "Give it the model's own name.");
  if (!datatype_from_name(out.spec.datatype))
    reject(node["datatype"], "unknown datatype '" + out.spec.datatype + "'.",
           "Use an OIP name: BOOL, UINT8..UINT64, INT8..INT64, FP16, BF16, FP32, FP64, BYTES.");
  shape(node["shape"], out.spec.shape);
}

void spec_reader::tensors(const YAML::Node& root, const char* key, std::vector<tensor_rule>& out) {
  const auto list = root[key];
  if (!list) return;
  if (!list.IsSequence())
    return reject(list, "'" + std::string{key} + "' must be a list of tensors.",
                  "Write one {name, datatype, shape} a line.");
  for (const auto& each : list) {
    tensor(each, out.emplace_back());
    const auto& name = out.back().spec.name;
    const auto twice = std::count_if(
        out.begin(), out.end(), [&](const tensor_rule& rule) { return rule.spec.name == name; });
    if (twice > 1) reject(each, "'" + name + "' stands there twice.", "Rename or remove one.");
  }
}

void spec_reader::padding(const YAML::Node& root, model_spec& spec) {
  choice<padding_mode>(root, "padding",
                       {{"none", padding_mode::none},
                        {"longest", padding_mode::longest},
                        {"buckets", padding_mode::buckets}},
                       spec.padding);
  if (const auto list = root["buckets"]) {
    if (!list.IsSequence()) return reject(list, "'buckets' must be a list.", "Write [16, 32, 64].");
    for (const auto& each : list) spec.buckets.push_back(each.as<std::int64_t>(0));
    if (!std::is_sorted(spec.buckets.begin(), spec.buckets.end()) || spec.buckets.empty() ||
        spec.buckets.front() < 1)
      reject(list, "'buckets' must be whole numbers from 1, ascending.", "Sort them.");
  }
  if (spec.padding == padding_mode::buckets && spec.buckets.empty())
    reject(root["padding"], "padding: buckets without 'buckets'.", "Add buckets: [16, 32, 64].");
}

void spec_reader::warm_up(const YAML::Node& root, model_spec& spec) {
  const auto node = root["warm_up"];
  if (!node) return;
  if (!node.IsMap())
    return reject(node, "'warm_up' must be a map.", "Write {rows: 1, shape: {input: [64]}}.");
  check_keys(node, warm_up_keys, " of warm_up");
  number<std::uint32_t>(node, "rows", 1, spec.max_batch, spec.warm_up_rows);
  for (const auto& entry : node["value"]) warm_up_value(entry.first, entry.second, spec);
  for (const auto& entry : node["shape"]) warm_up_shape(entry.first, entry.second, spec);
}

bool spec_reader::is_input(const YAML::Node& name, const model_spec& spec) {
  const auto input = name.as<std::string>("");
  for (const auto& rule : spec.inputs)
    if (rule.spec.name == input) return true;
  reject(name, "warm_up names '" + input + "', which is no input.", "Name an input.");
  return false;
}

void spec_reader::warm_up_value(const YAML::Node& name, const YAML::Node& value, model_spec& spec) {
  if (!is_input(name, spec)) return;
  if (!YAML::convert<double>::decode(value, spec.warm_up_value[name.as<std::string>()]))
    reject(value, "a value for warm_up must be a number.", "Write input: number.");
}

void spec_reader::warm_up_shape(const YAML::Node& name, const YAML::Node& sizes, model_spec& spec) {
  if (!is_input(name, spec)) return;
  const auto input = name.as<std::string>();
  const auto rule = std::find_if(spec.inputs.begin(), spec.inputs.end(),
                                 [&](const tensor_rule& each) { return each.spec.name == input; });
  auto& values = spec.warm_up_shape[input];
  for (const auto& each : sizes) {
    std::int64_t size = 0;
    if (!YAML::convert<std::int64_t>::decode(each, size) || size < 1)
      return reject(each, "a size for warm_up must be a whole number from 1.", "Correct it.");
    values.push_back(size);
  }
  const auto open = std::count(rule->spec.shape.begin(), rule->spec.shape.end(), -1);
  if (std::cmp_not_equal(values.size(), open))
    reject(sizes,
           "'" + input + "' has " + std::to_string(open) + " dimensions of -1; warm_up gives " +
               std::to_string(values.size()) + " sizes.",
           "Give one size for each -1.");
}

void spec_reader::backend(const YAML::Node& root, model_spec& spec) {
  enum class named { automatic, torchscript, aotinductor, builtin };
  auto kind = named::automatic;
  choice<named>(root, "backend",
                {{"auto", named::automatic},
                 {"torchscript", named::torchscript},
                 {"aotinductor", named::aotinductor},
                 {"builtin", named::builtin}},
                kind);
  spec.backend = kind == named::builtin       ? backend_kind::builtin
                 : kind == named::aotinductor ? backend_kind::aotinductor
                                              : backend_kind::torchscript;
  spec.builtin = root["builtin"].as<std::string>("");
  if (kind == named::builtin && !builtin_spec(spec.builtin))
    reject(root["backend"], "no built-in model '" + spec.builtin + "'.",
           "Add builtin: echo, sleep, crash, hang, flip or count.");
  if (kind != named::builtin && (spec.inputs.empty() || spec.outputs.empty()))
    reject(root, "'inputs' and 'outputs' are needed.",
           "List every input and output with its shape.");
}

void spec_reader::attributes(const YAML::Node& root, model_spec& spec) {
  for (const auto& entry : root["attributes"]) {
    double value = 0;
    if (!YAML::convert<double>::decode(entry.second, value))
      reject(entry.second, "an attribute's constant must be a number.", "Write path: number.");
    spec.attributes[entry.first.as<std::string>("")] = value;
  }
}

/// What a model that streams has of its own; its tensors are those of `generate`.
void spec_reader::streaming(const YAML::Node& root, model_spec& spec) {
  number<std::uint32_t>(root, "sequences", 1, model_spec::max_sequences, spec.sequences);
  if (!spec.streams()) {
    if (root["sequences"])
      reject(root["sequences"], "'sequences' is for models that stream tokens.", "Remove it.");
    return;
  }
  for (const auto* key : {"inputs", "outputs", "batchable", "instances", "self_test"})
    if (root[key])
      reject(root[key], "'" + std::string{key} + "' does not fit a model that streams tokens.",
             "Remove it.");
  const auto own = builtin_spec(spec.builtin);
  spec.inputs = own->inputs;
  spec.outputs = own->outputs;
}

std::optional<model_spec> spec_reader::read(std::string name) try {
  const auto root = load_yaml(file());
  model_spec spec;
  spec.name = std::move(name);
  if (!root.IsMap()) {
    reject(root, "the file is no map of keys.", "Write inputs, outputs and so on.");
    return std::nullopt;
  }
  check_keys(root, root_keys, "");
  tensors(root, "inputs", spec.inputs);
  tensors(root, "outputs", spec.outputs);
  flag(root, "batchable", spec.batchable);
  number<std::uint32_t>(root, "max_batch", 1, 1024, spec.max_batch);
  number<std::uint32_t>(root, "instances", 1, 64, spec.instances);
  number<std::uint32_t>(root, "threads", 1, 256, spec.threads);
  milliseconds(root, "max_delay_ms", spec.max_delay);
  milliseconds(root, "hedge_after_ms", spec.hedge_after);
  choice<batch_policy>(root, "policy",
                       {{"size", batch_policy::size},
                        {"window", batch_policy::window},
                        {"hybrid", batch_policy::hybrid}},
                       spec.policy);
  padding(root, spec);
  warm_up(root, spec);
  backend(root, spec);
  spec.steady = spec.builtin != "sleep";
  flag(root, "steady", spec.steady);
  attributes(root, spec);
  streaming(root, spec);
  spec.device = root["device"].as<std::string>("cpu");
  spec.torch_version = root["torch_version"].as<std::string>("");
  if (!spec.batchable && spec.max_batch > 1)
    reject(root["max_batch"], "max_batch above 1 needs batchable: true.", "Add batchable: true.");
  read_self_tests(root, *this, spec);
  return failed() ? std::nullopt : std::optional{spec};
} catch (const YAML::Exception& failure) {
  unreadable(failure);
  return std::nullopt;
}

}  // namespace

std::optional<model_spec> read_model_file(std::filesystem::path file, std::string name,
                                          std::vector<finding>& findings) {
  return spec_reader{std::move(file), findings}.read(std::move(name));
}

}  // namespace coppice::worker
