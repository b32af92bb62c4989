#include "base/random.hpp"
#include "client/cli/cluster.hpp"
#include "client/cli/json_tensor.hpp"
#include "client/cli/npy.hpp"
#include "client/cli/verbs.hpp"
#include "client/client.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
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
  std::string key, parameters;
  bool as_json = false;
};

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
        if (auto done = add(name, tensor_from_json(value, datatype_of(card, name))); !done)
          return tl::unexpected(done.error());
      continue;
    }
    const auto name = each.substr(0, equals), value = each.substr(equals + 1);
    if (value.ends_with(".npy")) {
      const auto bytes = read_source(value);
      if (!bytes) return tl::unexpected(bytes.error());
      if (auto done = add(name, read_npy(*bytes)); !done) return tl::unexpected(done.error());
    } else if (auto done = add(name, tensor_from_json(json::parse(value), datatype_of(card, name)));
               !done) {
      return tl::unexpected(done.error());
    }
  }
  return inputs;
} catch (const json::exception& failure) {
  return fail(errc::invalid, std::string{"Not JSON: "} + failure.what());
}

void print(const client::infer_result& result, bool as_json) {
  json out{
      {"model", result.model},
      {"version", result.version},
      {"key", result.key},
      {"outputs", json::array()},
      {"timing", {{"total_us", result.timing.total_us}, {"compute_us", result.timing.compute_us}}}};
  for (const auto& tensor : result.outputs) {
    out["outputs"].push_back({{"name", tensor.name},
                              {"datatype", tensor.datatype},
                              {"shape", tensor.shape},
                              {"data", json_from_tensor(tensor)}});
    if (!as_json)
      std::printf("%s %s%s\n%s\n", tensor.name.c_str(), tensor.datatype.c_str(),
                  json(tensor.shape).dump().c_str(), json_from_tensor(tensor).dump().c_str());
  }
  if (as_json)
    std::printf("%s\n", out.dump(2).c_str());
  else
    std::printf("%s:%u in %llu us, key %s\n", result.model.c_str(), result.version,
                static_cast<unsigned long long>(result.timing.total_us), result.key.c_str());
}

expected<client::infer_request> made_request(const predict_options& options,
                                             const proto::model_card& card) {
  client::infer_request request;
  request.model = options.model;
  request.version = options.version;
  request.timeout = std::chrono::milliseconds{options.timeout_ms};
  request.key = options.key.empty() ? fmt::format("{:016x}", random_id()) : options.key;
  auto inputs = read_inputs(options, card);
  if (!inputs) return tl::unexpected(inputs.error());
  request.inputs = std::move(*inputs);
  if (options.parameters.empty()) return request;
  auto parameters = parameters_from_json(options.parameters);
  if (!parameters) return tl::unexpected(parameters.error());
  request.parameters = std::move(*parameters);
  return request;
}

int run(predict_options& options) {
  if (auto known = options.cluster.resolve(); !known) return report_usage(known.error());
  client::client asking{options.cluster.client()};
  proto::request header;
  header.op = "model";
  header.model = options.model;
  header.version = options.version;
  const auto known = asking.call(header);
  if (!known) return report(known.error());
  auto request = made_request(options, known->models.front());
  if (!request) return report(request.error());
  const auto key = request->key;
  const auto result = asking.infer(std::move(*request));
  if (!result) {
    std::fprintf(stderr, "coppice: the request's key is %s; 'coppice explain' takes it\n",
                 key.c_str());
    return report(result.error());
  }
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
  verb->add_option("--parameters", options->parameters, "JSON map passed to the model");
  verb->add_option("--key", options->key, "Names the request for 'coppice explain'; default: made");
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace coppice::cli
