#include "client/cli/doctor/checks.hpp"
#include "client/cli/doctor/machine.hpp"
#include "client/cli/verbs.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <iterator>

namespace coppice::cli {

namespace {

namespace fs = std::filesystem;
using namespace doctor;

constexpr const char* credential_stores[] = {"/etc/credstore", "/run/credstore"};
constexpr const char* state_folder = "/var/lib/coppice";

struct server {
  const char* program;
  const char* config;
};
constexpr server servers[] = {{"coppice-gateway", "gateway.yml"},
                              {"coppice-scheduler", "scheduler.yml"},
                              {"coppice-worker", "worker.yml"}};

struct doctor_options {
  std::string folder = "/etc/coppice";
  bool as_json = false;
};

void add(findings& to, findings more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

fs::path programs_folder() { return fs::read_symlink("/proc/self/exe").parent_path(); }

findings look_at_programs() {
  std::vector<program_answer> answers;
  for (const auto* name :
       {"coppice-gateway", "coppice-scheduler", "coppice-worker", "coppice-engine"})
    if (const auto program = programs_folder() / name; fs::exists(program))
      answers.push_back(ask(program, {"--version"}));
  return check_programs(answers);
}

/// Configurations that are there, of programs that are there.
std::vector<std::pair<fs::path, server>> configurations(const std::string& folder) {
  std::vector<std::pair<fs::path, server>> found;
  for (const auto& each : servers)
    if (const auto file = fs::path{folder} / each.config;
        fs::exists(file) && fs::exists(programs_folder() / each.program))
      found.emplace_back(file, each);
  return found;
}

findings look_at_secrets(const std::vector<fs::path>& named) {
  auto files = named;
  std::error_code refused;
  for (const auto* store : credential_stores)
    for (const auto& each : fs::directory_iterator{store, refused})
      if (each.path().filename().string().starts_with("coppice.")) files.push_back(each.path());
  findings all;
  for (const auto& each : files)
    if (const auto file = read_secret(each)) all.push_back(check_secret(*file));
  return all;
}

findings look_at_configurations(const doctor_options& options,
                                std::vector<std::string>& wanted_devices) {
  findings all, secrets;
  std::vector<fs::path> named;
  const listeners ports;
  for (const auto& [file, server] : configurations(options.folder)) {
    all.push_back(check_configuration(
        file.string(),
        ask(programs_folder() / server.program, {"--check-config", "--config", file.string()})));
    const auto found = read_configured(file);
    for (const auto& port : found.ports) all.push_back(check_port(port, ports.at(port.port)));
    named.insert(named.end(), found.secrets.begin(), found.secrets.end());
    if (found.holds_passwords) named.push_back(file);
    wanted_devices.insert(wanted_devices.end(), found.devices.begin(), found.devices.end());
    if (!found.models.empty() && fs::exists(found.models))
      all.push_back(check_disk(read_disk(found.models)));
  }
  if (all.empty())
    all.push_back({level::warning, "configuration",
                   "There is no configuration in " + options.folder + ".",
                   "Copy one from share/coppice/config, or name another folder: --config-folder."});
  add(all, look_at_secrets(named));
  return all;
}

findings look(const doctor_options& options) {
  std::vector<std::string> wanted_devices;
  auto all = look_at_programs();
  add(all, look_at_configurations(options, wanted_devices));
  const auto devices = read_devices();
  add(all, check_devices(devices, wanted_devices));
  add(all, check_limits(read_limits(), devices.gpus > 0));
  all.push_back(check_clock(read_clock()));
  all.push_back(check_namespaces(namespace_refusal()));
  all.push_back(check_disk(read_disk(fs::exists(state_folder) ? state_folder : "/")));
  return all;
}

void print(const findings& all) {
  for (const auto& each : all) {
    std::printf("%-8s %-13s %s\n", level_name(each.found), each.subject.c_str(), each.text.c_str());
    if (!each.remedy.empty()) std::printf("%-22s -> %s\n", "", each.remedy.c_str());
  }
}

void print_json(const findings& all) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& each : all)
    list.push_back({{"level", level_name(each.found)},
                    {"subject", each.subject},
                    {"text", each.text},
                    {"remedy", each.remedy}});
  std::printf("%s\n", nlohmann::ordered_json{{"findings", list}}.dump(2).c_str());
}

int run(const doctor_options& options) {
  const auto all = look(options);
  options.as_json ? print_json(all) : print(all);
  for (const auto& each : all)
    if (each.found == level::problem) return exit_failure;
  return 0;
}

}  // namespace

void add_doctor(CLI::App& app, int& exit_code) {
  auto* verb = app.add_subcommand(
      "doctor", "Looks whether this machine can run its part of a cluster, and says what helps");
  auto options = std::make_shared<doctor_options>();
  verb->add_option("--config-folder", options->folder,
                   "Where gateway.yml, scheduler.yml and worker.yml are")
      ->capture_default_str();
  verb->add_flag("--json", options->as_json, "As JSON");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace coppice::cli
