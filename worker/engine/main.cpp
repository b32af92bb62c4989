#include "base/build_info.hpp"
#include "base/freed_memory.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "worker/engine/engine.hpp"
#include "worker/engine/inherited_descriptors.hpp"
#include "worker/engine/lifeline.hpp"
#include "worker/engine/model_choice.hpp"
#include "worker/engine/sandbox.hpp"
#include "worker/engine/self_test_run.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coppice::worker {

namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

struct arguments {
  engine_options engine;
  model_choice choice;
  std::string check;
  std::string bind = "127.0.0.1";
  std::string sandbox = "off";
  std::uint32_t model_files = 0;
  int page_fd = -1;
  int times_fd = -1;
  bool json = false;
};

/// Loads each model once, so that a file that libtorch cannot read is found too.
void check_files(repository& found) {
#ifdef COPPICE_WITH_TORCH
  for (const auto& spec : found.specs) {
    if (spec.backend == backend_kind::builtin) continue;
    const auto loaded = load_torch(spec, "cpu");
    if (!loaded)
      found.findings.push_back({spec.file, 0, loaded.error().message,
                                "Export it again with this libtorch, or remove the version."});
    else if (auto passed = run_self_tests(**loaded, spec); !passed)
      found.findings.push_back(
          {spec.file, 0, passed.error().message, "Correct the model, or its self_test."});
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
    all.push_back({{"file", each.file.string()},
                   {"line", each.line},
                   {"problem", each.problem},
                   {"remedy", each.remedy}});
    if (!args.json) std::printf("%s\n", as_text(each).c_str());
  }
  if (args.json)
    std::printf(
        "%s\n",
        nlohmann::ordered_json{{"models", found.specs.size()}, {"findings", all}}.dump(2).c_str());
  else if (found.findings.empty())
    std::printf("%zu model versions, nothing wrong.\n", found.specs.size());
  return found.findings.empty() ? 0 : exit_failure;
}

/// The memory behind `fd`, or the process's own if there is none. Null if it is too small or cannot
/// be mapped.
template <class Shared>
Shared* map_shared(int fd) {
  struct stat found {};
  if (fd >= 0 && (::fstat(fd, &found) != 0 || found.st_size < off_t{sizeof(Shared)}))
    return nullptr;
  const int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, flags, fd, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<Shared*>(memory);
}

int give_up(const std::string& why) {
  std::fprintf(stderr, "coppice-engine: %s\n", why.c_str());
  std::fflush(stderr);
  return exit_failure;
}

/// Native code of a .pt2 is unpacked by libtorch before it is loaded.
bool unpacks(const model_choice& choice) {
  std::error_code none;
  for (const auto& each : std::filesystem::recursive_directory_iterator{choice.models, none})
    if (each.path().extension() == ".pt2") return true;
  return false;
}

sandbox_rules rules_for(const arguments& args) {
  auto rules = usual_rules(std::filesystem::read_symlink("/proc/self/exe").parent_path());
  if (!args.choice.models.empty()) rules.readable.emplace_back(args.choice.models);
  if (unpacks(args.choice)) rules.writable.emplace_back("/tmp");
  for (std::uint32_t i = 0; i < args.model_files; ++i)
    rules.open_files.push_back(first_model_file + static_cast<int>(i));
  return rules;
}

expected<void> confine_as_told(const arguments& args) {
  if (args.sandbox == "off") return {};
  auto confined = confine(rules_for(args));
  if (confined || args.sandbox == "required") return confined;
  log(log_level::warn, "engine_not_confined", {kv("reason", confined.error().message)});
  return {};
}

/// The worker hears why before the process ends.
int fail_to_start(const arguments& args, const std::string& why) {
  proto::engine_report failed;
  failed.op = "failed";
  failed.incarnation = args.engine.incarnation;
  failed.text = why;
  (new control_pipe{args.engine.control_fd})->send(failed);
  return give_up(why);
}

/// @returns the exit status, for `_exit`: instances may be inside a step that never ends, and the
/// process is the unit that lets go.
int serve(arguments& args, link_listener&& listener, lifeline& life) {
  args.engine.page = map_shared<progress_page>(args.page_fd);
  args.engine.times = map_shared<step_times>(args.times_fd);
  if (args.engine.page == nullptr || args.engine.times == nullptr)
    return give_up("The memory shared with the worker cannot be mapped.");
  auto specs = choose_models(args.choice);
  if (!specs) return fail_to_start(args, specs.error().message);
  args.engine.specs = std::move(*specs);
  // Never destroyed: see above.
  auto& serving = *new engine{args.engine, std::move(listener)};
  if (auto loaded = serving.load(); !loaded) return give_up(loaded.error().message);
  life.loaded();
  serving.run(life.stop_fd());
  return 0;
}

}  // namespace

}  // namespace coppice::worker

int main(int argc, char** argv) {
  using namespace coppice;
  keep_freed_memory();
  CLI::App app{"Runs models on one device. Started by coppice-worker."};
  worker::arguments args;
  app.add_option("--name", args.engine.name, "Name in log lines");
  app.add_option("--bind", args.bind, "Address of the link (numeric)");
  app.add_option("--sandbox", args.sandbox, "Confine this process before it looks at a model")
      ->check(CLI::IsMember({"off", "auto", "required"}));
  app.add_option("--model-files", args.model_files,
                 "Descriptors of model files that the worker has verified");
  app.add_flag("--encrypt-link", args.engine.encrypt_link,
               "The link is encrypted and takes only gateways to which a scheduler gave its key");
  app.add_option("--device", args.engine.device, "cpu, cpu:N or cuda:N");
  app.add_option("--threads", args.choice.threads,
                 "Threads of one forward, instead of model.yml's");
  app.add_option("--models", args.choice.models, "Model repository");
  app.add_option("--serve", args.choice.serve, "NAME or NAME:VERSION to serve (default: all)");
  app.add_option("--builtin", args.choice.builtins,
                 "Built-in model to serve: echo, sleep, crash, hang, flip, count");
  app.add_option("--max-bytes", args.engine.max_bytes, "Bytes of inputs held at once");
  app.add_option("--control-fd", args.engine.control_fd, "Socket to the worker");
  app.add_option("--page-fd", args.page_fd, "Memory shared with the worker");
  app.add_option("--times-fd", args.times_fd, "Memory shared with the node's engines");
  app.add_option("--check", args.check, "Check a model repository and exit: 0 good, 1 findings");
  app.add_flag("--json", args.json, "With --check: findings as JSON");
  app.set_version_flag("--version", build_text("coppice-engine"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return app.exit(failure) == 0 ? 0 : worker::exit_usage;
  }
  start_log(args.engine.name, log_level::info);
  if (!args.check.empty()) return worker::check(args);
  args.engine.incarnation = {random_id()};
  auto listener = worker::link_listener::open(args.bind, args.engine.incarnation);
  if (!listener) return worker::fail_to_start(args, listener.error().message);
  if (auto confined = worker::confine_as_told(args); !confined)
    return worker::fail_to_start(args, confined.error().message);
  worker::lifeline life{args.engine.control_fd};
  ::_exit(worker::serve(args, std::move(*listener), life));
}
