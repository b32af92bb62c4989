#include "actors/scheduler_dialler.hpp"
#include "actors/serve_metrics.hpp"
#include "base/build_info.hpp"
#include "base/descriptor_limit.hpp"
#include "base/freed_memory.hpp"
#include "base/random.hpp"
#include "base/ready_file.hpp"
#include "base/service_notifier.hpp"
#include "base/stop_signal.hpp"
#include "gateway/gateway_actor.hpp"
#include "gateway/loopback.hpp"
#include "gateway/operator_door.hpp"
#include "gateway/process_look.hpp"
#include "gateway/process_options.hpp"
#include "scheduler/process_look.hpp"
#include "scheduler/scheduler_actor.hpp"

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <future>
#include <unistd.h>

namespace coppice::gateway {

namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;
constexpr int exit_config = 78;
constexpr std::chrono::seconds explain_limit{2};

/// The gateway process: owns everything in it, in the order in which it ends.
class process {
 public:
  explicit process(process_options options) : options_{std::move(options)}, counts_{registry_} {}
  ~process();

  /// Opens doors and mesh. @error what kept it from starting.
  expected<nlohmann::ordered_json> start();
  /// Waits for a stop signal, or for the shard's failure. @returns the exit code.
  int wait();

 private:
  void make_shard();
  expected<void> guard_door();
  expected<std::string> open_door();
  void start_shard();
  expected<std::string> serve_metrics();
  void tell_limits();
  expected<std::uint16_t> start_scheduler();
  expected<void> dial();
  expected<void> open_operator_door();
  expected<proto::cluster_status> ask_status();
  expected<proto::drain_status> ask_drain(const proto::drain_order& order);
  expected<proto::explanation> ask_explanation(const std::string& target);
  expected<proto::apply_status> ask_apply(const proto::apply_order& order);
  /// @param limit  for all parts together.
  expected<std::string> look(duration limit);

  process_options options_;
  /// Of a door that asks for keys.
  std::optional<public_key> public_key_;
  metrics& registry_ = metrics::of_process();
  shard_counts counts_;
  actors::system_config config_{options_.mesh.identity};
  caf::actor_system system_{config_};
  std::unique_ptr<shard_loop> shard_;
  gateway_self gateway_;
  proto::scheduler_actor scheduler_;
  std::vector<caf::actor> diallers_;
  std::unique_ptr<operator_door> operator_door_;
};

process::~process() {
  operator_door_.reset();
  for (const auto& dialler : diallers_)
    caf::anon_send_exit(dialler, caf::exit_reason::user_shutdown);
  shard_.reset();
  if (gateway_) caf::anon_send_exit(gateway_, caf::exit_reason::user_shutdown);
  if (scheduler_) caf::anon_send_exit(scheduler_, caf::exit_reason::user_shutdown);
}

expected<void> check_door(const process_options& options) {
  if (!beyond_loopback(options.door) || options.keys || options.mesh.insecure) return {};
  return fail(errc::invalid, "The door would listen on " + options.door +
                                 " without authentication. Give it 'keys', use a loopback address, "
                                 "or set 'mesh: {insecure: true}' on a network that nobody else "
                                 "can reach.");
}

expected<std::string> process::serve_metrics() {
  registry_.gauge("coppice_mesh_insecure", "1 if doors or mesh may listen without authentication.")
      .Set(options_.mesh.insecure ? 1 : 0);
  return actors::serve_metrics(registry_, options_.metrics);
}

expected<std::uint16_t> process::start_scheduler() {
  scheduler::scheduler_options own;
  own.name = options_.name + "/scheduler";
  if (options_.mesh.insecure) own.warnings.push_back("mesh: insecure");
  scheduler_ = scheduler::spawn_scheduler(system_, std::move(own), registry_);
  caf::anon_send(gateway_, scheduler_, std::uint32_t{0});
  return actors::publish_scheduler(
      system_, scheduler_,
      {*options_.embedded_scheduler, options_.mesh.identity, options_.mesh.insecure});
}

expected<void> process::dial() {
  std::uint32_t rank = options_.embedded_scheduler ? 1 : 0;
  for (const auto& each : options_.schedulers) {
    const auto where = actors::split_endpoint(each);
    if (!where) return tl::unexpected(where.error());
    const auto to = gateway_;
    diallers_.push_back(actors::dial_scheduler(
        system_, where->first, where->second,
        {[to, rank](proto::scheduler_actor found) { caf::anon_send(to, std::move(found), rank); },
         [to, rank](const std::string&) { caf::anon_send(to, rank); }}));
    ++rank;
  }
  return {};
}

template <class Answer, class... Question>
expected<Answer> ask(caf::actor_system& system, const gateway_self& gateway,
                     const Question&... question) {
  caf::scoped_actor self{system};
  expected<Answer> answer = fail(errc::unavailable, "No answer.");
  self->request(gateway, std::chrono::seconds{2}, question...)
      .receive([&](Answer& got) { answer = std::move(got); },
               [&](caf::error& why) {
                 answer =
                     fail(errc::unavailable, "No scheduler answers: " + system.render(why) + ".");
               });
  return answer;
}

/// With the gateway's own figures: no scheduler knows them.
expected<proto::cluster_status> process::ask_status() {
  auto status = ask<proto::cluster_status>(system_, gateway_, caf::get_atom::value);
  if (!status) return status;
  const auto own = std::ranges::find(status->gateways, options_.name, &proto::gateway_state::name);
  if (own == status->gateways.end()) return status;
  own->refused = static_cast<std::uint64_t>(counts_.refused.total());
  own->retried =
      static_cast<std::uint64_t>(counts_.retries_charged.Value() + counts_.retries_free.Value());
  own->fenced = static_cast<std::uint64_t>(counts_.late_replies.Value());
  return status;
}

expected<proto::drain_status> process::ask_drain(const proto::drain_order& order) {
  return ask<proto::drain_status>(system_, gateway_, order);
}

expected<proto::apply_status> process::ask_apply(const proto::apply_order& order) {
  return ask<proto::apply_status>(system_, gateway_, order);
}

expected<proto::explanation> process::ask_explanation(const std::string& target) {
  // Shared: the shard may answer after the limit.
  auto answer = std::make_shared<std::promise<expected<proto::explanation>>>();
  auto told = answer->get_future();
  shard_->post(explain_order{target, [answer](expected<proto::explanation> found) {
                               answer->set_value(std::move(found));
                             }});
  if (told.wait_for(explain_limit) == std::future_status::ready) return told.get();
  return fail(errc::unavailable, "The gateway's shard does not answer.");
}

expected<void> process::open_operator_door() {
  if (options_.operator_door.empty()) return {};
  operator_door_ = std::make_unique<operator_door>(
      operator_door::sources{[this] { return ask_status(); },
                             [this](const proto::drain_order& order) { return ask_drain(order); },
                             [this](const std::string& target) { return ask_explanation(target); },
                             [this](const proto::apply_order& order) { return ask_apply(order); }});
  return operator_door_->open(options_.operator_door);
}

void process::make_shard() {
  shard_options own;
  own.gateway = options_.name;
  own.recorder.gateway = options_.name;
  own.limits = options_.limits;
  own.tenants = options_.tenants;
  own.incarnation = {random_id()};
  own.seed = random_id();
  shard_ = std::make_unique<shard_loop>(own, counts_, [this](scheduler_mail mail) {
    std::visit([this](auto& told) { caf::anon_send(gateway_, std::move(told)); }, mail);
  });
}

expected<std::string> process::open_door() {
  make_shard();
  if (auto guarded = guard_door(); !guarded) return tl::unexpected(guarded.error());
  auto endpoint = shard_->bind(options_.door);
  if (endpoint && public_key_) *endpoint += "?key=" + public_key_->text();
  return endpoint;
}

expected<void> process::guard_door() {
  if (!options_.users.empty())
    return shard_->guard(std::make_unique<door_access>(options_.users, options_.tenants),
                         std::nullopt);
  if (!options_.keys) return {};
  auto own = key_pair::read(options_.keys->secret_file);
  if (!own) return tl::unexpected(own.error());
  auto access = door_access::of_file(options_.keys->allow_file, options_.tenants, options_.quotas);
  if (!access) return tl::unexpected(access.error());
  public_key_ = own->shown();
  return shard_->guard(std::move(*access), std::move(*own));
}

void process::start_shard() {
  shard_->start([](const std::string& reason) {
    // The shard's clients and rows are lost with it: a fresh process is the next level.
    log(log_level::error, "shard_failed", {kv("reason", reason)});
    ::_exit(exit_failure);
  });
}

/// Alerts compare the bytes in hand with them.
void process::tell_limits() {
  registry_
      .gauge("coppice_gateway_admitted_limit_bytes",
             "The most that coppice_gateway_admitted_bytes may be.")
      .Set(static_cast<double>(options_.limits.admitted_bytes));
  registry_
      .gauge("coppice_gateway_outgoing_limit_bytes",
             "The most that coppice_gateway_outgoing_bytes may be.")
      .Set(static_cast<double>(options_.limits.outgoing.total));
}

expected<nlohmann::ordered_json> process::start() {
  if (auto good = check_door(options_); !good) return tl::unexpected(good.error());
  const auto door = open_door();
  if (!door) return tl::unexpected(door.error());
  tell_limits();
  const auto url = serve_metrics();
  if (!url) return tl::unexpected(url.error());
  const proto::gateway_state own{options_.name, ::getpid(), *door, *url};
  gateway_ = spawn_gateway(
      system_, own, [shard = shard_.get()](shard_mail&& mail) { shard->post(std::move(mail)); },
      &counts_);
  nlohmann::ordered_json ready{{"role", "gateway"},
                               {"name", own.name},
                               {"pid", own.pid},
                               {"door", own.endpoint},
                               {"operator", options_.operator_door},
                               {"metrics", own.metrics_url}};
  if (options_.embedded_scheduler) {
    const auto port = start_scheduler();
    if (!port) return tl::unexpected(port.error());
    ready["mesh"] =
        actors::split_endpoint(*options_.embedded_scheduler)->first + ":" + std::to_string(*port);
  }
  if (auto dialled = dial(); !dialled) return tl::unexpected(dialled.error());
  if (auto opened = open_operator_door(); !opened) return tl::unexpected(opened.error());
  start_shard();
  return ready;
}

expected<std::string> process::look(duration limit) {
  const auto found = look_at(*shard_, system_, gateway_, limit / 4);
  if (!found || !scheduler_) return found;
  const auto seen = scheduler::look_at(system_, scheduler_, limit / 4);
  if (!seen) return seen;
  return *found + "; scheduler: " + *seen;
}

int process::wait() {
  serve_until_stopped(service_notifier{}, [this](duration limit) { return look(limit); });
  return 0;
}

int report(const error& failure) {
  std::fprintf(stderr, "coppice-gateway: %s\n", failure.message.c_str());
  return failure.code == errc::invalid ? exit_config : exit_failure;
}

int check(const process_options& options) {
  const auto good = check_door(options);
  return good ? 0 : report(good.error());
}

int run(const process_options& options, const std::string& ready_file) {
  if (auto good = actors::check_identity(options.mesh, metrics::of_process()); !good)
    return report(good.error());
  process running{options};
  const auto ready = running.start();
  if (!ready) return report(ready.error());
  log(log_level::info, "ready", {kv("door", (*ready)["door"].get<std::string>())});
  if (!ready_file.empty())
    if (auto written = write_atomically(ready_file, ready->dump() + "\n"); !written)
      return report(written.error());
  return running.wait();
}

}  // namespace

}  // namespace coppice::gateway

int main(int argc, char** argv) {
  using namespace coppice;
  keep_freed_memory();
  block_stop_signals();
  CLI::App app{"Accepts requests over ZeroMQ (REQ and DEALER) and owns them until their outcome."};
  std::string config, ready_file;
  bool check_only = false;
  app.add_option("--config", config, "YAML, see docs/operations.md")->required();
  app.add_flag("--check-config", check_only, "Reads the configuration only; 78 if it does not do");
  app.add_option("--ready-file", ready_file, "Written, as JSON, once it accepts connections");
  app.set_version_flag("--version", build_text("coppice-gateway"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return app.exit(failure) == 0 ? 0 : gateway::exit_usage;
  }
  const auto options = gateway::read_options(config);
  if (!options) return gateway::report(options.error());
  if (check_only) return gateway::check(*options);
  raise_descriptor_limit();  // connections take a descriptor each
  start_log(options->name, options->level);
  return gateway::run(*options, ready_file);
}
