#include "client/cli/cluster.hpp"
#include "client/cli/npy.hpp"
#include "client/cli/verbs.hpp"
#include "client/client.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

struct predict_options {
  cluster_choice cluster;
  std::string model;
  std::uint32_t version = 0;
  std::vector<std::string> inputs;
  std::uint32_t timeout_ms = 30'000;
  bool as_json = false;
};

void flatten(const json& value, std::vector<double>& out) {
  if (value.is_array())
    for (const auto& each : value) flatten(each, out);
  else if (value.is_boolean())
    out.push_back(value.get<bool>() ? 1 : 0);
  else
    out.push_back(value.get<double>());
}

std::vector<std::int64_t> shape_of(const json& value) {
  std::vector<std::int64_t> shape;
  for (const auto* at = &value; at->is_array(); at = &at->front()) {
    shape.push_back(static_cast<std::int64_t>(at->size()));
    if (at->empty()) break;
  }
  return shape;
}

template <class T>
std::string raw(const std::vector<double>& values) {
  std::string bytes;
  for (const auto value : values) {
    const auto element = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char*>(&element), sizeof element);
  }
  return bytes;
}

expected<std::string> encode(const std::string& datatype, const std::vector<double>& values) {
  if (datatype == "FP32") return raw<float>(values);
  if (datatype == "FP64") return raw<double>(values);
  if (datatype == "INT64") return raw<std::int64_t>(values);
  if (datatype == "INT32") return raw<std::int32_t>(values);
  if (datatype == "INT16") return raw<std::int16_t>(values);
  if (datatype == "INT8") return raw<std::int8_t>(values);
  if (datatype == "UINT64") return raw<std::uint64_t>(values);
  if (datatype == "UINT32") return raw<std::uint32_t>(values);
  if (datatype == "UINT16") return raw<std::uint16_t>(values);
  if (datatype == "UINT8" || datatype == "BOOL") return raw<std::uint8_t>(values);
  return fail(errc::invalid, "Datatype " + datatype + " cannot be given as JSON; use a .npy file.");
}

/// {"data": [...], "datatype": "FP32"?, "shape": [...]?} or a bare array.
expected<client::tensor> from_json(const json& value, const std::string& datatype) try {
  const auto& data = value.is_object() ? value.at("data") : value;
  client::tensor tensor;
  tensor.datatype = value.is_object() ? value.value("datatype", datatype) : datatype;
  tensor.shape = value.is_object() && value.contains("shape")
                     ? value["shape"].get<std::vector<std::int64_t>>()
                     : shape_of(data);
  std::vector<double> values;
  flatten(data, values);
  auto bytes = encode(tensor.datatype, values);
  if (!bytes) return tl::unexpected(bytes.error());
  tensor.bytes = std::move(*bytes);
  return tensor;
} catch (const json::exception& failure) {
  return fail(errc::invalid, std::string{"The JSON does not fit: "} + failure.what());
}

expected<std::string> read_source(const std::string& source) {
  std::ifstream file;
  if (source != "-") file.open(source, std::ios::binary);
  std::istream& in = source == "-" ? std::cin : file;
  if (!in) return fail(errc::invalid, source + ": cannot be read.");
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

std::string datatype_of(const proto::model_card& card, const std::string& name) {
  for (const auto& spec : card.inputs)
    if (spec.name == name) return spec.datatype;
  return "FP32";
}

/// NAME=FILE.npy, NAME=JSON, or a file (or -) with a JSON object of all inputs.
expected<std::vector<client::tensor>> read_inputs(const predict_options& options,
                                                  const proto::model_card& card) try {
  std::vector<client::tensor> inputs;
  const auto add = [&](const std::string& name, expected<client::tensor> tensor) -> expected<void> {
    if (!tensor) return tl::unexpected(tensor.error());
    tensor->name = name;
    inputs.push_back(std::move(*tensor));
    return {};
  };
  const auto sources = options.inputs.empty() ? std::vector<std::string>{"-"} : options.inputs;
  for (const auto& each : sources) {
    const auto equals = each.find('=');
    if (equals == std::string::npos) {
      const auto text = read_source(each);
      if (!text) return tl::unexpected(text.error());
      const auto all = json::parse(*text);
      for (const auto& [name, value] : all.items())
        if (auto done = add(name, from_json(value, datatype_of(card, name))); !done)
          return tl::unexpected(done.error());
      continue;
    }
    const auto name = each.substr(0, equals), value = each.substr(equals + 1);
    if (value.ends_with(".npy")) {
      const auto bytes = read_source(value);
      if (!bytes) return tl::unexpected(bytes.error());
      if (auto done = add(name, read_npy(*bytes)); !done) return tl::unexpected(done.error());
    } else if (auto done = add(name, from_json(json::parse(value), datatype_of(card, name)));
               !done) {
      return tl::unexpected(done.error());
    }
  }
  return inputs;
} catch (const json::exception& failure) {
  return fail(errc::invalid, std::string{"Not JSON: "} + failure.what());
}

template <class T>
json elements(const std::string& bytes) {
  json out = json::array();
  for (std::size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    out.push_back(value);
  }
  return out;
}

json data_of(const client::tensor& tensor) {
  const auto& type = tensor.datatype;
  if (type == "FP32") return elements<float>(tensor.bytes);
  if (type == "FP64") return elements<double>(tensor.bytes);
  if (type == "INT64") return elements<std::int64_t>(tensor.bytes);
  if (type == "INT32") return elements<std::int32_t>(tensor.bytes);
  if (type == "INT16") return elements<std::int16_t>(tensor.bytes);
  if (type == "INT8") return elements<std::int8_t>(tensor.bytes);
  if (type == "UINT64") return elements<std::uint64_t>(tensor.bytes);
  if (type == "UINT32") return elements<std::uint32_t>(tensor.bytes);
  if (type == "UINT16") return elements<std::uint16_t>(tensor.bytes);
  if (type == "UINT8" || type == "BOOL") return elements<std::uint8_t>(tensor.bytes);
  return std::to_string(tensor.bytes.size()) + " bytes";
}

void print(const client::infer_result& result, bool as_json) {
  json out{
      {"model", result.model},
      {"version", result.version},
      {"outputs", json::array()},
      {"timing", {{"total_us", result.timing.total_us}, {"compute_us", result.timing.compute_us}}}};
  for (const auto& tensor : result.outputs) {
    out["outputs"].push_back({{"name", tensor.name},
                              {"datatype", tensor.datatype},
                              {"shape", tensor.shape},
                              {"data", data_of(tensor)}});
    if (!as_json)
      std::printf("%s %s%s\n%s\n", tensor.name.c_str(), tensor.datatype.c_str(),
                  json(tensor.shape).dump().c_str(), data_of(tensor).dump().c_str());
  }
  if (as_json)
    std::printf("%s\n", out.dump(2).c_str());
  else
    std::printf("%s:%u in %llu us\n", result.model.c_str(), result.version,
                static_cast<unsigned long long>(result.timing.total_us));
}

int run(predict_options& options) {
  if (auto known = options.cluster.resolve(); !known) {
    std::fprintf(stderr, "coppice: %s\n", known.error().message.c_str());
    return exit_usage;
  }
  client::client asking{{options.cluster.endpoints}};
  proto::request header;
  header.op = "model";
  header.model = options.model;
  header.version = options.version;
  const auto known = asking.call(header);
  if (!known) return report(known.error());
  auto inputs = read_inputs(options, known->models.front());
  if (!inputs) return report(inputs.error());
  client::infer_request request;
  request.model = options.model;
  request.version = options.version;
  request.inputs = std::move(*inputs);
  request.timeout = std::chrono::milliseconds{options.timeout_ms};
  const auto result = asking.infer(std::move(request));
  if (!result) return report(result.error());
  print(*result, options.as_json);
  return 0;
}

}  // namespace

void add_predict(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand("predict", "Sends one request and prints the outputs");
  auto options = std::make_shared<predict_options>();
  options->cluster.add_options(*verb);
  verb->add_option("model", options->model, "Model")->required();
  verb->add_option("--version", options->version, "Version; 0: the newest");
  verb->add_option("--input,inputs", options->inputs,
                   "NAME=FILE.npy, NAME=JSON, or a JSON file of all inputs; none: standard input");
  verb->add_option("--timeout-ms", options->timeout_ms, "Deadline, milliseconds")
      ->capture_default_str();
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace coppice::cli
