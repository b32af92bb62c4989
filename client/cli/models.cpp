#include "client/cli/cluster.hpp"
#include "client/cli/verbs.hpp"
#include "client/client.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace coppice::cli {

using json = nlohmann::ordered_json;

namespace {

struct models_options {
  cluster_choice cluster;
  bool as_json = false;
};

std::string spec_text(const std::vector<proto::tensor_spec>& specs) {
  std::string text;
  for (const auto& spec : specs)
    text += " " + spec.name + ":" + spec.datatype + json(spec.shape).dump();
  return text;
}

json as_json(const proto::model_card& card) {
  const auto specs = [](const std::vector<proto::tensor_spec>& list) {
    json out = json::array();
    for (const auto& spec : list)
      out.push_back({{"name", spec.name}, {"datatype", spec.datatype}, {"shape", spec.shape}});
    return out;
  };
  return {{"name", card.name},
          {"version", card.version},
          {"inputs", specs(card.inputs)},
          {"outputs", specs(card.outputs)},
          {"batchable", card.batchable},
          {"max_batch", card.max_batch}};
}

int run(models_options& options) {
  if (auto known = options.cluster.resolve(); !known) return report_usage(known.error());
  client::client asking{options.cluster.client()};
  proto::request header;
  header.op = "models";
  const auto reply = asking.call(header);
  if (!reply) return report(reply.error());
  json all = json::array();
  for (const auto& card : reply->models) {
    all.push_back(as_json(card));
    if (!options.as_json)
      std::printf("%s:%u %s in%s  out%s\n", card.name.c_str(), card.version,
                  card.batchable ? "batched" : "alone",
                  card.any_inputs ? " anything" : spec_text(card.inputs).c_str(),
                  card.any_inputs ? " the same" : spec_text(card.outputs).c_str());
  }
  if (options.as_json) std::printf("%s\n", all.dump(2).c_str());
  return 0;
}

}  // namespace

void add_models(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand("models", "Lists the models that are served, with their inputs");
  auto options = std::make_shared<models_options>();
  options->cluster.add_options(*verb);
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace coppice::cli
