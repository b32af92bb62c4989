#include "worker/engine/engine.hpp"

#include "base/log.hpp"
#include "base/random.hpp"
#include "proto/codec/codec.hpp"
#include "worker/engine/self_test_run.hpp"
#include "worker/engine/step.hpp"
#include "worker/engine/warm_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <poll.h>

namespace coppice::worker {

namespace {

/// Messages taken in one turn, before batches are formed and other work is looked at.
constexpr int burst = 64;
constexpr duration report_period = 100ms;
/// How long the last replies may take to leave.
constexpr std::chrono::milliseconds last_replies{200};

model_loader loader_for(const model_spec& spec) {
#ifdef COPPICE_WITH_TORCH
  if (spec.backend != backend_kind::builtin) return load_torch;
#else
  if (spec.backend != backend_kind::builtin)
    return [](const model_spec&, const std::string&) -> expected<std::unique_ptr<model> > {
      return fail(errc::invalid, "This coppice-engine was built without libtorch.");
    };
#endif
  return load_builtin;
}

expected<batch_thread::runner> batch_runner(const model_spec& spec, const std::string& device,
                                            step_lane lane) {
  auto loaded = load_warm(spec, loader_for(spec), device);
  if (!loaded) return tl::unexpected(loaded.error());
  return [instance = std::shared_ptr<model>{std::move(*loaded)}, lane = std::move(lane)](
             batch&& next) mutable { return run_step(*instance, std::move(next), lane); };
}

expected<token_thread::runner> token_runner(const model_spec& spec, progress_page::lane& page) {
  auto loaded = load_sequence_model(spec);
  if (!loaded) return tl::unexpected(loaded.error());
  return [instance = std::shared_ptr<sequence_model>{std::move(*loaded)},
          &page](token_step&& next) { return run_token_step(*instance, std::move(next), page); };
}

std::string text_of(const model_spec& spec) {
  return spec.name + ":" + std::to_string(spec.version);
}

std::optional<link_keys> make_keys() {
  auto own = key_pair::make(), users = key_pair::make();
  if (!own || !users) return std::nullopt;
  return link_keys{std::move(*own), std::move(*users)};
}

/// Read while it is loaded; 0 for a built-in model.
std::uint64_t bytes_of(const model_spec& spec) {
  std::error_code none;
  const auto bytes = std::filesystem::file_size(spec.file, none);
  return none ? 0 : bytes * instance_count(spec);
}

}  // namespace

engine::engine(engine_options options, link_listener listener)
    : options_{std::move(options)},
      keys_{options_.encrypt_link ? make_keys() : std::nullopt},
      link_key_{keys_ ? keys_->users.secret()
                      : fmt::format("{:016x}{:016x}", random_id(), random_id())},
      listener_{std::move(listener)},
      endpoint_{listener_.endpoint},
      control_{options_.control_fd},
      desk_{{options_.incarnation, link_key_, options_.specs, options_.max_bytes}, *this} {}

engine::~engine() = default;

expected<void> engine::load_model(const model_spec& spec) {
  control_.send({"loading", options_.incarnation, {}, {}, {}, {}, text_of(spec), bytes_of(spec)});
  if (instances_.size() + instance_count(spec) > progress_page::max_lanes)
    return fail(errc::invalid, text_of(spec) + ": more than " +
                                   std::to_string(progress_page::max_lanes) +
                                   " instances on one engine.");
  return runs_in_line(spec) ? load_in_line(spec) : start_threads(spec);
}

expected<void> engine::load_in_line(const model_spec& spec) {
  auto loaded = load_builtin(spec, options_.device);
  if (!loaded) return tl::unexpected(loaded.error());
  if (auto passed = run_self_tests(**loaded, spec); !passed)
    return fail(passed.error().code, text_of(spec) + ": " + passed.error().message);
  auto& page = options_.page->lanes[instances_.size()];
  instances_.push_back({std::move(*loaded), {&page, limits_for(spec)}, nullptr, nullptr});
  return {};
}

expected<void> engine::start_threads(const model_spec& spec) {
  const auto first = instances_.size();
  for (auto i = first; i < first + instance_count(spec); ++i)
    instances_.push_back(start_thread(spec, i));
  for (auto i = first; i < instances_.size(); ++i)
    if (auto ready = instances_[i].wait_ready(); !ready)
      return fail(ready.error().code, text_of(spec) + ": " + ready.error().message);
  return {};
}

engine::instance engine::start_thread(const model_spec& spec, std::size_t number) {
  auto& page = options_.page->lanes[number];
  if (spec.streams())
    return {.tokens = std::make_unique<token_thread>(
                number, [&spec, &page] { return token_runner(spec, page); }, finished_steps_)};
  return {.batches = std::make_unique<batch_thread>(
              number,
              [this, &spec, &page] {
                return batch_runner(spec, options_.device, {&page, limits_for(spec)});
              },
              finished_batches_)};
}

expected<void> engine::load_all() {
  for (const auto& spec : options_.specs)
    if (auto loaded = load_model(spec); !loaded) return loaded;
  if (options_.encrypt_link && !keys_)
    return fail(errc::unavailable, "This ZeroMQ cannot make CURVE keys for the link.");
  return link_.bind(std::move(listener_), options_.incarnation, keys_);
}

expected<void> engine::load() {
  if (auto loaded = load_all(); !loaded) {
    control_.send({"failed", options_.incarnation, {}, {}, {}, {}, loaded.error().message});
    return loaded;
  }
  proto::engine_report ready{"ready", options_.incarnation, endpoint_, link_key_, desk_.cards(), {},
                             {}};
  if (keys_) ready.engine_key = keys_->own.shown().text();
  control_.send(ready);
  return {};
}

void engine::run(int stop_fd) {
  while (!stopping_) turn(stop_fd);
  drain();
  link_.close(last_replies);
}

void engine::turn(int stop_fd) {
  stopping_ = wait(stop_fd) || stopping_;
  receive_burst();
  take_finished();
  const auto at = now();
  desk_.on_tick(at);
  report_load(at);
  publish_open_attempts();
  options_.page->loop_turns.fetch_add(1, std::memory_order_relaxed);
}

bool engine::wait(int stop_fd) {
  if (link_.readable()) return false;
  pollfd watched[] = {{link_.fd(), POLLIN, 0},
                      {finished_batches_.fd(), POLLIN, 0},
                      {finished_steps_.fd(), POLLIN, 0},
                      {stop_fd, POLLIN, 0}};
  const auto at = now();
  const auto until = std::min(next_report_, desk_.next_event(at));
  const auto limit = std::clamp<duration>(until - at, duration{0}, report_period);
  const timespec as_timespec{0, std::chrono::nanoseconds{limit}.count()};
  ::ppoll(watched, 4, &as_timespec, nullptr);
  return watched[3].revents != 0;
}

void engine::drain() {
  desk_.on_stop(now());
  for (const auto until = now() + options_.drain; desk_.running() && now() < until;) turn(-1);
}

void engine::receive_burst() {
  link_message message;
  for (int i = 0; i < burst && link_.receive(message); ++i) take_message(message);
}

void engine::take_message(const link_message& message) {
  const auto request = proto::decode<proto::link_request>(
      {static_cast<const char*>(message.header.data()), message.header.size()},
      proto::max_link_header_bytes);
  if (!request) return ignored(request.error().message.c_str());
  if (message.surplus) return ignored("too many frames");
  desk_.on_message(message.gateway, *request, message.frames, now());
}

void engine::take_finished() {
  for (auto& [number, done] : finished_batches_.take())
    desk_.on_batch(number, std::move(done), now());
  for (auto& [number, done] : finished_steps_.take()) desk_.on_step(number, std::move(done), now());
}

std::optional<finished_batch> engine::start(std::size_t number, batch&& next) {
  publish_open_attempts();  // whoever sees a step sees that attempts are open
  auto& on = instances_[number];
  if (on.in_line) return run_step(*on.in_line, std::move(next), on.in_line_lane);
  on.batches->start(std::move(next));
  return std::nullopt;
}

void engine::start_step(std::size_t number, token_step&& next) {
  publish_open_attempts();
  instances_[number].tokens->start(std::move(next));
}

bool engine::send(const std::string& gateway, const proto::link_reply& header,
                  const item_outputs& outputs) {
  publish_open_attempts();
  header_.clear();
  proto::encode(header, header_);
  const auto sent = link_.send(gateway, header_, outputs);
  if (sent == link_socket::outcome::full)
    log(log_level::warn, "reply_dropped", {kv("reason", "the gateway does not read")});
  return sent != link_socket::outcome::gone;
}

void engine::ignored(const char* why) {
  ++ignored_;
  const auto at = now();
  if (at < next_ignored_line_) return;
  log(log_level::info, "link_messages_ignored", {kv("count", ignored_), kv("reason", why)});
  ignored_ = 0;
  next_ignored_line_ = at + 1s;
}

void engine::publish_open_attempts() {
  options_.page->open_attempts.store(desk_.open_attempts(), std::memory_order_relaxed);
}

step_limits engine::limits_for(const model_spec& spec) const {
  if (!spec.steady) return {};
  return {*options_.times, step_times_key(spec, options_.device)};
}

void engine::report_load(steady_time at) {
  if (at < next_report_) return;
  next_report_ = at + report_period;
  control_.offer({"load", options_.incarnation, {}, {}, {}, desk_.loads(), {}});
}

}  // namespace coppice::worker
