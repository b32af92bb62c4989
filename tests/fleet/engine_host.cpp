#include "tests/fleet/engine_host.hpp"

#include "proto/codec/codec.hpp"

#include <fmt/format.h>

#include <charconv>
#include <memory>

namespace coppice::fleet {

namespace {

/// As in worker/engine/engine.cpp.
constexpr duration report_period = 100ms;
constexpr std::size_t max_bytes = std::size_t{1} << 30;

std::string routing_id_of(std::uint32_t gateway) { return std::to_string(gateway); }

std::uint32_t gateway_of(const std::string& routing_id) {
  std::uint32_t gateway = 0;
  (void)std::from_chars(routing_id.data(), routing_id.data() + routing_id.size(), gateway);
  return gateway;
}

worker::shared_frame as_shared(zmq::message_t&& frame) {
  auto owner = std::make_shared<zmq::message_t>(std::move(frame));
  return {{static_cast<const std::byte*>(owner->data()), owner->size()}, std::move(owner)};
}

}  // namespace

engine_host::engine_host(cluster& all, std::string name, std::uint32_t model)
    : all_{all},
      name_{std::move(name)},
      spec_{all.spec(model)},
      incarnation_{all.random().id()},
      endpoint_{fmt::format("tcp://10.{}.{}.{}:{}", all.random().below(256),
                            all.random().below(256), all.random().below(256),
                            32768 + all.random().below(28000))},
      link_key_{fmt::format("{:032x}", all.random().bits())},
      capacity_{spec_.card().capacity_rows},
      steps_(worker::instance_count(spec_)),
      alive_{std::make_shared<engine_host*>(this)} {
  const in_part mine{part::engines, spent_};
  desk_ = std::make_unique<worker::engine_desk>(
      worker::desk_options{incarnation_, link_key_, {spec_}, max_bytes}, effects());
}

engine_host::~engine_host() { *alive_ = nullptr; }

proto::engine_report engine_host::ready() const {
  return {"ready", incarnation_, endpoint_, link_key_, desk_->cards(), {}, {}};
}

proto::engine_report engine_host::load() const {
  return {"load", incarnation_, {}, {}, {}, desk_->loads(), {}};
}

// --- the loop ------------------------------------------------------------------------------

template <class Work>
void engine_host::on_desk(Work work) {
  {
    const in_part mine{part::engines, spent_};
    work();
    desk_->on_tick(all_.now());
  }
  carry_out();
  wake_at(std::min(desk_->next_event(all_.now()), all_.now() + report_period));
}

void engine_host::carry_out() {
  for (auto& each : replies_) {
    std::size_t bytes = each.message.header.size();
    for (const auto& frame : each.message.frames) bytes += frame.size();
    all_.sent().add(each.is_outcome ? kind::attempt_reply : kind::link_sign, bytes);
    all_.to_gateway(each.gateway, std::move(each.message));
  }
  replies_.clear();
  all_.audit().holds(name_, rows_, capacity_);
}

void engine_host::wake_at(steady_time when) {
  const bool is_armed = awake_ > all_.now() && awake_ <= when;
  if (is_armed) return;
  awake_ = when;
  all_.time().at(when, [this, when, alive = alive_] {
    if (*alive != nullptr && awake_ == when) on_desk([] {});
  });
}

void engine_host::take(std::uint32_t gateway, link_message message) {
  const auto request =
      proto::decode<proto::link_request>(message.header, proto::max_link_header_bytes);
  if (!request) return all_.audit().broken("readable", request.error().message);
  worker::shared_frames frames;
  for (auto& each : message.frames) frames.push_back(as_shared(std::move(each)));
  if (request->op == "infer") ++rows_;
  on_desk([&] { desk_->on_message(routing_id_of(gateway), *request, frames, all_.now()); });
}

// --- effects -------------------------------------------------------------------------------

bool engine_host::send(const std::string& gateway, const proto::link_reply& header,
                       const worker::item_outputs& outputs) {
  outgoing out{gateway_of(gateway), {proto::encode(header), {}}, false};
  out.is_outcome = header.op == "reply" || header.op == "refused";
  if (out.is_outcome) --rows_;
  if (header.op == "refused") all_.audit().refused();
  for (const auto& each : outputs)
    out.message.frames.emplace_back(each.bytes.data(), each.bytes.size());
  replies_.push_back(std::move(out));
  return true;
}

std::optional<worker::finished_batch> engine_host::start(std::size_t instance,
                                                         worker::batch&& next) {
  const auto usual = all_.of().step + next.rows * all_.of().per_row;
  steps_[instance] = {std::move(next), all_.now()};
  all_.time().in(usual + all_.random().around(usual / 20), [instance, alive = alive_] {
    if (*alive != nullptr) (*alive)->end_step(instance);
  });
  return std::nullopt;
}

void engine_host::end_step(std::size_t instance) {
  worker::finished_batch done;
  auto& ended = steps_[instance];
  for (const auto& each : ended.ran.attempts) done.results.emplace_back(each.item.inputs);
  done.ran = std::move(ended.ran);
  done.began = ended.began;
  done.took = all_.now() - ended.began;
  on_desk([&] { desk_->on_batch(instance, std::move(done), all_.now()); });
}

}  // namespace coppice::fleet
