#include "worker/model/self_test_file.hpp"

#include "proto/codec/codec.hpp"
#include "worker/model/datatype.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>

namespace coppice::worker {

namespace {

constexpr std::array<std::string_view, 3> test_keys{"inputs", "outputs", "tolerance"};
constexpr std::size_t most_tests = 16;
constexpr std::uint64_t most_elements = 65'536;
constexpr double most_tolerance = 1e6;

/// Of a nested list: as long as its first element is, and that one's first element, and so on.
std::vector<std::int64_t> shape_of(YAML::Node list) {
  std::vector<std::int64_t> shape;
  for (; list.IsSequence(); list.reset(list[0])) {
    shape.push_back(static_cast<std::int64_t>(list.size()));
    if (list.size() == 0 || shape.size() > proto::max_rank) break;
  }
  return shape;
}

bool is_small(const std::vector<std::int64_t>& shape) {
  std::uint64_t elements = 1;
  for (const auto size : shape)
    if ((elements *= static_cast<std::uint64_t>(size)) > most_elements) return false;
  return shape.size() <= proto::max_rank;
}

/// Whether a tensor of that shape may be one of the rule.
bool fits(const std::vector<std::int64_t>& shape, const tensor_rule& rule, bool batchable) {
  const std::size_t rows = batchable ? 1 : 0;
  const auto& wanted = rule.spec.shape;
  if (shape.size() != wanted.size() + rows) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i] >= 0 && shape[i + rows] != wanted[i]) return false;
  return true;
}

template <class T>
bool is_in(const YAML::Node& node, T low, T high, T& out) {
  return YAML::convert<T>::decode(node, out) && out >= low && out <= high;
}

bool pack_integer(const YAML::Node& node, datatype type, proto::packer& to) {
  const auto bits = 8 * datatype_size(type);
  if (type >= datatype::uint8 && type <= datatype::uint64) {
    std::uint64_t value = 0;
    if (!is_in<std::uint64_t>(node, 0, ~0ull >> (64 - bits), value)) return false;
    return to.pack_uint64(value), true;
  }
  const auto high = std::numeric_limits<std::int64_t>::max() >> (64 - bits);
  std::int64_t value = 0;
  if (!is_in<std::int64_t>(node, -high - 1, high, value)) return false;
  return to.pack_int64(value), true;
}

/// @returns whether the scalar is an element of that datatype.
bool pack_element(const YAML::Node& node, datatype type, proto::packer& to) {
  if (type == datatype::bytes) {
    const auto& text = node.Scalar();
    to.pack_str(static_cast<std::uint32_t>(text.size()));
    to.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
    return true;
  }
  if (type == datatype::boolean) {
    bool value = false;
    if (!YAML::convert<bool>::decode(node, value)) return false;
    value ? to.pack_true() : to.pack_false();
    return true;
  }
  if (type >= datatype::uint8 && type <= datatype::int64) return pack_integer(node, type, to);
  double value = 0;
  if (!YAML::convert<double>::decode(node, value)) return false;
  return to.pack_double(value), true;
}

/// Reads the tests of one file.
class test_reader {
 public:
  test_reader(yaml_checks& checks, model_spec& spec) : checks_{checks}, spec_{spec} {}

  void read(const YAML::Node& node) {
    if (!node.IsMap() || !node["inputs"] || !node["outputs"])
      return checks_.reject(node, "a self-test needs inputs and outputs.",
                            "Write {inputs: {x: [[1]]}, outputs: {y: [[2]]}}.");
    checks_.check_keys(node, test_keys, " of a self-test");
    auto& test = spec_.self_tests.emplace_back();
    checks_.number<double>(node, "tolerance", 0, most_tolerance, test.tolerance);
    read_tensors(node["inputs"], spec_.inputs, test.inputs);
    read_tensors(node["outputs"], spec_.outputs, test.outputs);
    if (!checks_.failed() && test.inputs.size() != spec_.inputs.size())
      checks_.reject(node["inputs"], "a self-test must give every input.", "Add what is missing.");
  }

 private:
  void read_tensors(const YAML::Node& map, const std::vector<tensor_rule>& rules,
                    std::vector<proto::tensor>& out) {
    if (!map.IsMap() || map.size() == 0)
      return checks_.reject(map, "tensors of a self-test must be a map that is not empty.",
                            "Write {name: nested list}.");
    for (const auto& entry : map) {
      const auto name = entry.first.as<std::string>("");
      const auto rule =
          std::ranges::find(rules, name, [](const auto& each) { return each.spec.name; });
      const auto twice = std::ranges::find(out, name, &proto::tensor::name) != out.end();
      if (rule == rules.end() || twice)
        checks_.reject(entry.first,
                       "'" + name + (twice ? "' stands there twice." : "' is none of the model's."),
                       "Name each input and output once, as in 'inputs' and 'outputs'.");
      else
        read_tensor(entry.second, *rule, out.emplace_back());
    }
  }

  void read_tensor(const YAML::Node& list, const tensor_rule& rule, proto::tensor& out) {
    out.name = rule.spec.name;
    out.datatype = rule.spec.datatype;
    out.shape = shape_of(list);
    if (!is_small(out.shape))
      return checks_.reject(list, "a tensor of a self-test is too large.",
                            "At most " + std::to_string(most_elements) + " elements are read.");
    if (!fits(out.shape, rule, spec_.batchable))
      return checks_.reject(list, "'" + out.name + "' has another shape than the model says.",
                            "Nest the lists as clients send it, the batch outermost.");
    std::uint32_t elements = 1;
    for (const auto size : out.shape) elements *= static_cast<std::uint32_t>(size);
    proto::string_sink sink{out.data.bytes};
    proto::packer to{sink};
    to.pack_array(elements);
    read_elements(list, out.shape, *datatype_from_name(out.datatype), to);
  }

  void read_elements(const YAML::Node& list, std::span<const std::int64_t> shape, datatype type,
                     proto::packer& to) {
    if (checks_.failed()) return;
    if (shape.empty()) {
      if (!list.IsScalar() || !pack_element(list, type, to))
        checks_.reject(list, "this is no " + std::string{datatype_name(type)} + ".",
                       "Write one element of the tensor.");
      return;
    }
    if (!list.IsSequence() || list.size() != static_cast<std::size_t>(shape.front()))
      return checks_.reject(list, "the lists of a tensor are not equally long.",
                            "Make it " + std::to_string(shape.front()) + " long, as the first is.");
    for (const auto& each : list) read_elements(each, shape.subspan(1), type, to);
  }

  yaml_checks& checks_;
  model_spec& spec_;
};

}  // namespace

void read_self_tests(const YAML::Node& root, yaml_checks& checks, model_spec& spec) {
  const auto list = root["self_test"];
  if (!list || checks.failed()) return;
  if (!list.IsSequence() || list.size() > most_tests)
    return checks.reject(list, "'self_test' must be a list of at most 16 tests.",
                         "Write one {inputs, outputs, tolerance} a line.");
  if (spec.inputs.empty() || spec.outputs.empty())
    return checks.reject(list, "'self_test' needs to know the model's inputs and outputs.",
                         "List them in 'inputs' and 'outputs'.");
  test_reader reader{checks, spec};
  for (const auto& each : list) reader.read(each);
}

}  // namespace coppice::worker
