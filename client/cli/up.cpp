#include "client/cli/cluster_up.hpp"
#include "client/cli/up_options.hpp"
#include "client/cli/verbs.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>

namespace coppice::cli {

namespace fs = std::filesystem;

void add_up(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand("up", "Starts a whole cluster on this machine and keeps it up");
  auto options = std::make_shared<up_options>();
  verb->add_option("--config", options->config, "YAML with the same keys as these options");
  verb->add_option("--gateways", options->gateways, "Gateway processes")->check(CLI::Range(1, 16));
  verb->add_option("--schedulers", options->schedulers,
                   "Scheduler processes; 0: one inside the first gateway")
      ->check(CLI::Range(0, 16));
  verb->add_option("--nodes", options->nodes, "Worker processes")->check(CLI::Range(1, 64));
  verb->add_option("--engines", options->engines, "Engines of each node")->check(CLI::Range(1, 64));
  verb->add_option("--threads", options->threads, "Threads of one forward; 0: as model.yml says");
  verb->add_option("--models", options->models,
                   "Model repository (default: models/ if it is there)");
  verb->add_option("--serve", options->serve, "NAME or NAME:VERSION (default: all)");
  verb->add_option("--builtins", options->builtins, "Built-in models")
      ->delimiter(',')
      ->capture_default_str();
  verb->add_option("--door", options->door, "Endpoint of the first gateway")->capture_default_str();
  verb->add_option("--ready-file", options->ready_file, "JSON, written when every model is ready");
  verb->callback([options, &exit_code] {
    if (!options->config.empty())
      if (auto read = read_config(*options); !read) {
        std::fprintf(stderr, "coppice up: %s\n", read.error().message.c_str());
        exit_code = exit_usage;
        return;
      }
    if (options->models.empty() && options->config.empty() && fs::is_directory("models"))
      options->models = "models";
    exit_code = cluster_up{*options}.run();
  });
}

}  // namespace coppice::cli
