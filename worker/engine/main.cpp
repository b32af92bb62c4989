#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "worker/engine/engine.hpp"
#include "worker/model/repository.hpp"

namespace coppice::worker {

namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

struct arguments {
  engine_options engine;
  std::string models, check;
  std::vector<std::string> serve, builtins;
  std::uint32_t threads = 0;
  int page_fd = -1;
  bool json = false;
};

/// Whether `wanted` ("name" or "name:version"; none: everything) names the spec.
bool is_wanted(const std::vector<std::string>& wanted, const model_spec& spec) {
  if (wanted.empty()) return true;
  for (const auto& each : wanted)
    if (each == spec.name || each == spec.name + ":" + std::to_string(spec.version)) return true;
  return false;
}

std::string as_text(const finding& each) {
  const auto line = each.line > 0 ? ":" + std::to_string(each.line) : "";
  return each.file.string() + line + ": " + each.problem + " " + each.remedy;
}

expected<std::vector<model_spec>> chosen_specs(const arguments& args) {
  std::vector<model_spec> specs;
  for (const auto& name : args.builtins) {
    auto spec = builtin_spec(name);
    if (!spec) return tl::unexpected(spec.error());
    specs.push_back(std::move(*spec));
  }
  if (args.models.empty()) return specs;
  auto found = read_repository(args.models);
  if (!found.findings.empty()) return fail(errc::invalid, as_text(found.findings.front()));
  for (auto& spec : found.specs)
    if (is_wanted(args.serve, spec)) {
      if (args.threads > 0) spec.threads = args.threads;
      specs.push_back(std::move(spec));
    }
  return specs;
}

/// Loads each model once, so that a file that libtorch cannot read is found too.
void check_files(repository& found) {
#ifdef COPPICE_WITH_TORCH
  for (const auto& spec : found.specs) {
    if (spec.backend == backend_kind::builtin) continue;
    const auto loaded = load_torch(spec, "cpu");
    if (!loaded)
      found.findings.push_back({spec.file, 0, loaded.error().message,
                                "Export it again with this libtorch, or remove the version."});
  }
#else
  (void)found;
#endif
}

int check(const arguments& args) {
  auto found = read_repository(args.check);
  check_files(found);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const auto& each : found.findings) {
    all.push_back({{"file", each.file.string()}, {"line", each.line},
                   {"problem", each.problem}, {"remedy", each.remedy}});
    if (!args.json) std::printf("%s\n", as_text(each).c_str());
  }
  if (args.json)
    std::printf("%s\n", nlohmann::ordered_json{{"models", found.specs.size()}, {"findings", all}}
                            .dump(2).c_str());
  else if (found.findings.empty())
    std::printf("%zu model versions, nothing wrong.\n", found.specs.size());
  return found.findings.empty() ? 0 : exit_failure;
}

progress_page* map_page(int fd) {
  const int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* page = ::mmap(nullptr, sizeof(progress_page), PROT_READ | PROT_WRITE, flags, fd, 0);
  return page == MAP_FAILED ? nullptr : static_cast<progress_page*>(page);
}

/// A descriptor that becomes readable on SIGTERM. SIGINT is the worker's to judge.
int stop_descriptor() {
  std::signal(SIGINT, SIG_IGN);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  return ::signalfd(-1, &stop, SFD_CLOEXEC);
}

int serve(arguments& args) {
  const int stop = stop_descriptor();
  args.engine.page = map_page(args.page_fd);
  if (args.engine.page == nullptr) {
    std::fprintf(stderr, "coppice-engine: the shared page cannot be mapped.\n");
    return exit_failure;
  }
  auto specs = chosen_specs(args);
  if (!specs) {
    control_pipe{args.engine.control_fd}.send({"failed", {}, {}, {}, {}, {}, specs.error().message});
    std::fprintf(stderr, "coppice-engine: %s\n", specs.error().message.c_str());
    return exit_failure;
  }
  args.engine.specs = std::move(*specs);
  engine serving{args.engine};
  if (auto loaded = serving.load(); !loaded) {
    std::fprintf(stderr, "coppice-engine: %s\n", loaded.error().message.c_str());
    std::fflush(stderr);
    ::_exit(exit_failure);
  }
  serving.run(stop);
  // Instances may be inside a step that never ends; the process is the unit that lets go.
  ::_exit(0);
}

}  // namespace

}  // namespace coppice::worker

int main(int argc, char** argv) {
  using namespace coppice;
  CLI::App app{"Runs models on one device. Started by coppice-worker."};
  worker::arguments args;
  app.add_option("--name", args.engine.name, "Name in log lines");
  app.add_option("--bind", args.engine.bind, "Address of the link (numeric)");
  app.add_option("--device", args.engine.device, "cpu, cpu:N or cuda:N");
  app.add_option("--threads", args.threads, "Threads of one forward, instead of model.yml's");
  app.add_option("--models", args.models, "Model repository");
  app.add_option("--serve", args.serve, "NAME or NAME:VERSION to serve (default: all)");
  app.add_option("--builtin", args.builtins, "Built-in model to serve: echo, sleep, crash, hang, flip");
  app.add_option("--control-fd", args.engine.control_fd, "Socket to the worker");
  app.add_option("--page-fd", args.page_fd, "Memory shared with the worker");
  app.add_option("--check", args.check, "Check a model repository and exit: 0 good, 1 findings");
  app.add_flag("--json", args.json, "With --check: findings as JSON");
  app.set_version_flag("--version", "coppice-engine " COPPICE_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return app.exit(failure) == 0 ? 0 : worker::exit_usage;
  }
  start_log(args.engine.name, log_level::info);
  return args.check.empty() ? worker::serve(args) : worker::check(args);
}
