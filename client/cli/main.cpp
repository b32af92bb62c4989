#include "base/build_info.hpp"
#include "client/cli/verbs.hpp"

#include <cstdio>

int main(int argc, char** argv) {
  using namespace coppice::cli;
  CLI::App app{"Coppice: a supervised inference cluster over ZeroMQ."};
  app.require_subcommand(1);
  app.set_version_flag("--version", coppice::build_text("coppice"));
  app.footer(
      "Exit codes: 0 good, 1 failure, 2 usage, 3 cluster unreachable, 4 the cluster refused.");
  int exit_code = 0;
  for (const auto add :
       {add_up, add_status, add_models, add_predict, add_bench, add_check, add_drain, add_undrain,
        add_apply, add_diff, add_explain, add_keys, add_sign, add_doctor})
    add(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return app.exit(failure) == 0 ? 0 : exit_usage;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "coppice: %s\n", failure.what());
    return exit_usage;
  }
  return exit_code;
}
