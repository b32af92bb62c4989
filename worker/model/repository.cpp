#include "worker/model/repository.hpp"

#include "proto/limits.hpp"
#include "worker/model/datatype.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace coppice::worker {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 20> root_keys{
    "inputs",        "outputs",     "batchable", "max_batch",      "max_delay_ms",
    "policy",        "padding",     "buckets",   "instances",      "threads",
    "warm_up",       "backend",     "builtin",   "device",         "attributes",
    "torch_version", "description", "sequences", "hedge_after_ms", "steady"};
constexpr std::array<std::string_view, 5> tensor_keys{"name", "datatype", "shape", "attribute",
                                                      "pad_value"};
constexpr std::array<std::string_view, 3> warm_up_keys{"rows", "shape", "value"};

/// Least number of inserted, removed and replaced letters between two words.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

/// What to do about an unknown key: the nearest known one, or all of them.
std::string key_remedy(std::string_view key, std::span<const std::string_view> known) {
  const auto nearest = std::min_element(
      known.begin(), known.end(), [&](auto a, auto b) { return edits(key, a) < edits(key, b); });
  if (edits(key, *nearest) <= 2) return "Did you mean '" + std::string{*nearest} + "'?";
  std::string all;
  for (const auto each : known) all += (all.empty() ? "" : ", ") + std::string{each};
  return "Remove it; known are " + all + ".";
}

/// Reads one model.yml into a spec without version; what is wrong becomes findings.
class spec_reader {
 public:
  spec_reader(fs::path file, std::vector<finding>& findings)
      : file_{std::move(file)}, findings_{findings} {}

  /// The spec, or nothing if a finding was added.
  std::optional<model_spec> read(std::string name);

 private:
  void reject(const YAML::Node& at, std::string problem, std::string remedy);
  void check_keys(const YAML::Node& map, std::span<const std::string_view> known,
                  std::string_view of);
  template <class T>
  void number(const YAML::Node& root, const char* key, T low, T high, T& out);
  template <class T>
  void choice(const YAML::Node& root, const char* key,
              const std::vector<std::pair<std::string, T>>& choices, T& out);
  void flag(const YAML::Node& root, const char* key, bool& out);
  void tensors(const YAML::Node& root, const char* key, std::vector<tensor_rule>& out);
  void tensor(const YAML::Node& node, tensor_rule& out);
  void shape(const YAML::Node& node, std::vector<std::int64_t>& out);
  /// 0 to 60,000.
  void milliseconds(const YAML::Node& root, const char* key, duration& out);
  void padding(const YAML::Node& root, model_spec& spec);
  void warm_up(const YAML::Node& root, model_spec& spec);
  bool is_input(const YAML::Node& name, const model_spec& spec);
  void warm_up_value(const YAML::Node& name, const YAML::Node& value, model_spec& spec);
  void warm_up_shape(const YAML::Node& name, const YAML::Node& sizes, model_spec& spec);
  void backend(const YAML::Node& root, model_spec& spec);
  void attributes(const YAML::Node& root, model_spec& spec);
  void streaming(const YAML::Node& root, model_spec& spec);

  fs::path file_;
  std::vector<finding>& findings_;
  bool failed_ = false;
};

void spec_reader::reject(const YAML::Node& at, std::string problem, std::string remedy) {
  failed_ = true;
  const int line = at.IsDefined() ? at.Mark().line + 1 : 0;
  findings_.push_back({file_, line, std::move(problem), std::move(remedy)});
}

void spec_reader::check_keys(const YAML::Node& map, std::span<const std::string_view> known,
                             std::string_view of) {
  std::set<std::string> seen;
  for (const auto& entry : map) {
    const auto key = entry.first.as<std::string>("");
    if (std::find(known.begin(), known.end(), key) == known.end())
      reject(entry.first, "unknown key '" + key + "'" + std::string{of} + ".",
             key_remedy(key, known));
    else if (!seen.insert(key).second)
      reject(entry.first, "the key '" + key + "' stands there twice.", "Remove one of them.");
  }
}

template <class T>
void spec_reader::number(const YAML::Node& root, const char* key, T low, T high, T& out) {
  const auto node = root[key];
  if (!node) return;
  T value{};
  if (YAML::convert<T>::decode(node, value) && value >= low && value <= high) {
    out = value;
    return;
  }
  std::string bounds = std::to_string(low) + " to " + std::to_string(high);
  reject(node, "'" + std::string{key} + "' is no number from " + bounds + ".",
         "Write a number in that range.");
}

template <class T>
void spec_reader::choice(const YAML::Node& root, const char* key,
                         const std::vector<std::pair<std::string, T>>& choices, T& out) {
  const auto node = root[key];
  if (!node) return;
  const auto text = node.as<std::string>("");
  std::string all;
  for (const auto& [name, value] : choices) {
    if (name == text) {
      out = value;
      return;
    }
    all += (all.empty() ? "" : ", ") + name;
  }
  reject(node, "'" + std::string{key} + "' is '" + text + "'.", "Use one of: " + all + ".");
}

void spec_reader::flag(const YAML::Node& root, const char* key, bool& out) {
  const auto node = root[key];
  if (node && !YAML::convert<bool>::decode(node, out))
    reject(node, "'" + std::string{key} + "' is neither true nor false.", "Write true or false.");
}

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

void spec_reader::milliseconds(const YAML::Node& root, const char* key, duration& out) {
  auto ms = std::chrono::duration<double, std::milli>(out).count();
  number<double>(root, key, 0, 60'000, ms);
  out = std::chrono::duration_cast<duration>(std::chrono::duration<double, std::milli>(ms));
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
  for (const auto* key : {"inputs", "outputs", "batchable", "instances"})
    if (root[key])
      reject(root[key], "'" + std::string{key} + "' does not fit a model that streams tokens.",
             "Remove it.");
  const auto own = builtin_spec(spec.builtin);
  spec.inputs = own->inputs;
  spec.outputs = own->outputs;
}

std::optional<model_spec> spec_reader::read(std::string name) try {
  const auto root = YAML::LoadFile(file_.string());
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
  return failed_ ? std::nullopt : std::optional{spec};
} catch (const YAML::Exception& failure) {
  findings_.push_back({file_, failure.mark.line + 1, "not readable as YAML: " + failure.msg + ".",
                       "Correct the file."});
  return std::nullopt;
}

std::optional<std::uint32_t> version_of(const fs::path& folder) {
  const auto name = folder.filename().string();
  std::uint32_t version = 0;
  const auto* end = name.data() + name.size();
  const auto [stop, failed] = std::from_chars(name.data(), end, version);
  if (failed != std::errc{} || stop != end || version == 0) return std::nullopt;
  return version;
}

void add_version(const fs::path& folder, std::uint32_t version, model_spec spec, repository& out) {
  spec.version = version;
  const auto script = folder / "model.pt", package = folder / "model.pt2";
  const bool is_package = fs::exists(package);
  if (!is_package && !fs::exists(script)) {
    out.findings.push_back({folder, 0, "there is neither model.pt nor model.pt2.",
                            "Export the model into this folder, or remove it."});
    return;
  }
  spec.file = is_package ? package : script;
  spec.backend = is_package ? backend_kind::aotinductor : backend_kind::torchscript;
  out.specs.push_back(std::move(spec));
}

/// A folder with a model.yml, or with a version and so meant to have one.
bool is_model(const fs::directory_entry& entry) {
  if (!entry.is_directory()) return false;
  if (fs::exists(entry.path() / "model.yml")) return true;
  return std::any_of(
      fs::directory_iterator{entry.path()}, fs::directory_iterator{},
      [](const auto& inside) { return inside.is_directory() && version_of(inside.path()); });
}

void read_model(const fs::path& folder, repository& out) {
  const auto file = folder / "model.yml";
  if (!fs::exists(file)) {
    out.findings.push_back({file, 0, "the file is missing.", "Write one with inputs and outputs."});
    return;
  }
  auto spec = spec_reader{file, out.findings}.read(folder.filename().string());
  if (!spec) return;
  if (spec->backend == backend_kind::builtin) {
    out.specs.push_back(std::move(*spec));
    return;
  }
  bool any = false;
  for (const auto& entry : fs::directory_iterator{folder})
    if (const auto version = version_of(entry.path()); version && entry.is_directory()) {
      any = true;
      add_version(entry.path(), *version, *spec, out);
    }
  if (!any)
    out.findings.push_back({folder, 0, "the model has no version.",
                            "Put model.pt or model.pt2 into a folder named 1."});
}

}  // namespace

repository read_repository(const fs::path& folder) try {
  repository out;
  if (!fs::is_directory(folder)) {
    out.findings.push_back(
        {folder, 0, "there is no such folder.", "Name the folder of the models."});
    return out;
  }
  for (const auto& entry : fs::directory_iterator{folder})
    if (is_model(entry)) read_model(entry.path(), out);
  std::sort(out.specs.begin(), out.specs.end(), [](const model_spec& a, const model_spec& b) {
    return std::pair{a.name, a.version} < std::pair{b.name, b.version};
  });
  return out;
} catch (const fs::filesystem_error& failure) {
  return {{}, {{folder, 0, failure.what(), "Check the folder's rights."}}};
}

expected<model_spec> builtin_spec(const std::string& name) {
  model_spec spec;
  spec.name = name;
  spec.backend = backend_kind::builtin;
  spec.builtin = name;
  if (name == "echo" || name == "flip") {
    spec.batchable = true;
    spec.max_batch = 64;
    spec.instances = 4;
    return spec;
  }
  spec.steady = name != "sleep";
  if (name == "sleep" || name == "crash" || name == "hang") return spec;
  if (name == "count") {
    spec.inputs.push_back({{"tokens", "INT32", {-1}}, "", 0});
    spec.outputs.push_back({{"tokens", "INT32", {-1}}, "", 0});
    return spec;
  }
  return fail(errc::invalid, "No built-in model is called '" + name +
                                 "'; there are echo, sleep, crash, hang, flip and count.");
}

}  // namespace coppice::worker
