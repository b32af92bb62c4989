#include "client/cli/verbs.hpp"

#include <cstdio>
#include <filesystem>
#include <unistd.h>

namespace coppice::cli {

namespace {

struct check_options {
  std::string folder = "models";
  bool as_json = false;
};

/// What needs libtorch is asked of the engine, which takes this process over.
int run(const check_options& options) {
  const auto engine =
      (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "coppice-engine").string();
  if (options.as_json)
    ::execl(engine.c_str(), engine.c_str(), "--check", options.folder.c_str(), "--json", nullptr);
  else
    ::execl(engine.c_str(), engine.c_str(), "--check", options.folder.c_str(), nullptr);
  std::fprintf(stderr, "coppice: %s cannot be started. It belongs beside this program.\n",
               engine.c_str());
  return exit_failure;
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand("check", "Checks a model repository: every file, every key");
  auto options = std::make_shared<check_options>();
  verb->add_option("folder", options->folder, "Model repository")->capture_default_str();
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace coppice::cli
