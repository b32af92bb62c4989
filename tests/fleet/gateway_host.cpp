#include "tests/fleet/gateway_host.hpp"

#include "base/metrics.hpp"
#include "client/request_id.hpp"
#include "proto/codec/codec.hpp"
#include "tests/fleet/control.hpp"
#include "tests/fleet/scheduler_host.hpp"

#include <numeric>

namespace coppice::fleet {

namespace {

/// As in gateway/shard/shard_loop.cpp and gateway/gateway_actor.cpp.
constexpr duration tick_period = 5ms;
constexpr duration actor_period = 25ms;

std::string_view text_of(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

gateway::shard_options options_of(cluster& all, const std::string& name) {
  gateway::shard_options options;
  options.gateway = options.recorder.gateway = name;
  options.incarnation = {all.random().id()};
  options.seed = all.random().id();
  return options;
}

}  // namespace

gateway_host::gateway_host(cluster& all, std::uint32_t index)
    : all_{all}, index_{index}, clients_{index, all.of().clients_per_gateway, all.random()} {
  {
    const in_part mine{part::books, costs_.book};
    places_ = std::make_unique<gateway::place_book>();
  }
  {
    const in_part mine{part::shards, costs_.told};
    registry_ = std::make_unique<metrics>();
    counts_ = std::make_unique<gateway::shard_counts>(*registry_);
    shard_ = std::make_unique<gateway::shard>(options_of(all, name()), effects(), counts_.get());
  }
  for (const auto& each : all.schedulers()) {
    places_->joined(each->name());
    all.time().in(all.of().path, [&to = *each, index] { to.join(index); });
  }
  auto& random = all.random();
  all.time().in(random.between(0ms, tick_period), [this] {
    all_.time().every(tick_period,
                      [this] { on_shard(costs_.ticks, [this] { shard_->on_tick(all_.now()); }); });
  });
  all.time().in(random.between(0ms, actor_period), [this] {
    all_.time().every(actor_period, [this] {
      gateway::place_book::outcome follows;
      {
        const in_part mine{part::books, costs_.book};
        follows = places_->turn(all_.now());
      }
      carry(std::move(follows));
    });
  });
  all.time().in(all.of().start, [this] { next_request(); });
}

gateway_host::~gateway_host() = default;

// --- the loop ------------------------------------------------------------------------------

template <class Work>
void gateway_host::on_shard(cost& of, Work work) {
  {
    const in_part mine{part::shards, of};
    work();
  }
  carry_out();
  check_conservation();
}

void gateway_host::carry_out() {
  for (auto& each : attempts_) {
    std::size_t bytes = each.message.header.size();
    for (const auto& frame : each.message.frames) bytes += frame.size();
    all_.sent().add(each.is_attempt ? kind::attempt : kind::link_sign, bytes);
    if (each.is_attempt) all_.audit().attempted();
    all_.to_engine(each.to, index_, std::move(each.message));
  }
  attempts_.clear();
  for (const auto& each : replies_) {
    const request_name name{index_, each.client, each.number};
    all_.sent().add(kind::reply, each.bytes);
    all_.audit().ended(name, each.code, fleet_clients::is_right(name, each.content), all_.now());
    clients_.ended(each.client, each.number);
  }
  replies_.clear();
  const auto demands = std::exchange(demands_, {});
  for (const auto& each : demands) demand(each);
}

void gateway_host::check_conservation() {
  const auto& counts = shard_->rows().counts();
  const auto ended =
      std::accumulate(std::begin(counts.ended), std::end(counts.ended), std::uint64_t{0});
  if (counts.accepted != ended + shard_->rows().open_rows())
    all_.audit().broken("conservation", name() + " lost count of its requests");
}

void gateway_host::next_request() {
  if (!all_.is_loaded()) return;
  auto& random = all_.random();
  const auto model = static_cast<std::uint32_t>(random.below(all_.of().models()));
  auto asked = clients_.next(all_.spec(model).name, random);
  all_.sent().add(kind::request, asked.bytes);
  all_.audit().asked(asked.name, all_.now(), all_.now() + fleet_clients::timeout);
  on_shard(costs_.requests, [&] {
    shard_->on_client_message(std::move(asked.frames), static_cast<int>(asked.name.client),
                              all_.now());
  });
  const auto mean = std::chrono::duration<double>(all_.of().gateways / all_.of().requests_per_s);
  all_.time().in(random.around(std::chrono::duration_cast<duration>(mean)),
                 [this] { next_request(); });
}

void gateway_host::take_link(link_message message) {
  gateway::frame_list frames;
  frames.emplace_back();
  frames.emplace_back(message.header);
  for (auto& each : message.frames) frames.push_back(std::move(each));
  on_shard(costs_.link_messages, [&] { shard_->on_link_message(std::move(frames), all_.now()); });
}

void gateway_host::take_reset(incarnation_id which, const std::string& endpoint) {
  if (links_.erase(which) == 0) return;
  on_shard(costs_.told, [&] { shard_->on_link_reset(endpoint, all_.now()); });
}

// --- effects -------------------------------------------------------------------------------

gateway::delivery gateway_host::reply(const gateway::client_address& to, const proto::reply& header,
                                      gateway::frame_list&& frames) {
  client_reply out;
  out.client = fleet_clients::client_at(to);
  out.number = client::number_of(header.id);
  if (header.error) out.code = header.error->code;
  out.bytes = proto::encode(header).size();
  for (const auto& frame : frames) {
    out.bytes += frame.size();
    out.content += text_of(frame);
  }
  replies_.push_back(std::move(out));
  return gateway::delivery::sent;
}

bool gateway_host::send(incarnation_id to, const proto::link_request& header,
                        const gateway::frame_list& frames) {
  if (!links_.contains(to)) return false;
  sent_attempt out{to, {proto::encode(header), {}}, header.op == "infer"};
  for (const auto& frame : frames)
    out.message.frames.emplace_back().copy(const_cast<zmq::message_t&>(frame));
  attempts_.push_back(std::move(out));
  return true;
}

void gateway_host::open_link(const gateway::engine_link& link) {
  links_[link.incarnation] = link.endpoint;
  proto::link_request hello;
  hello.op = "hello";
  hello.incarnation = link.incarnation;
  hello.link_key = link.link_key;
  hello.gateway = name() + "/0";
  send(link.incarnation, hello, {});
}

void gateway_host::close_link(const gateway::engine_link& link) { links_.erase(link.incarnation); }

// --- the gateway actor ---------------------------------------------------------------------

void gateway_host::demand(const proto::place_request& wanted) {
  ++held_.places;
  held_.lines += wanted.holdings.size();
  rows_in_hand_ = 0;
  for (const auto& each : wanted.holdings) rows_in_hand_ += each.rows;
  held_.rows += rows_in_hand_;
  gateway::place_book::outcome follows;
  {
    const in_part mine{part::books, costs_.book};
    follows = places_->demand(wanted, all_.now());
  }
  carry(std::move(follows));
}

void gateway_host::carry(gateway::place_book::outcome&& follows) {
  for (auto& part : follows.ask) ask(std::move(part));
  for (auto& reply : follows.replies)
    all_.time().in(duration{0}, [this, reply = std::move(reply)] {
      on_shard(costs_.place_replies, [&] { shard_->on_place_reply(reply, all_.now()); });
    });
  for (; follows.lost > 0; --follows.lost)
    all_.time().in(duration{0}, [this] {
      on_shard(costs_.place_replies, [this] { shard_->on_place_lost(all_.now()); });
    });
}

void gateway_host::ask(gateway::place_book::part&& part) {
  std::string bytes;
  {
    const in_part mine{part::books, costs_.place_codec};
    bytes = proto::encode(part.demand);
  }
  all_.sent().add(kind::place, bytes.size());
  for (const auto& each : all_.schedulers())
    if (each->name() == part.scheduler)
      all_.time().in(all_.of().path, [&to = *each, index = index_, ticket = part.ticket, bytes] {
        to.place(index, ticket, bytes);
      });
}

void gateway_host::take_answer(const std::string& from, std::uint64_t ticket,
                               const std::string& bytes) {
  std::optional<proto::place_reply> reply;
  {
    const in_part mine{part::books, costs_.place_codec};
    reply = decode_control<proto::place_reply>(all_, bytes);
  }
  if (!reply) return;
  gateway::place_book::outcome follows;
  {
    const in_part mine{part::books, costs_.book};
    places_->heard(from);
    follows = places_->answered(ticket, std::move(*reply));
  }
  carry(std::move(follows));
}

void gateway_host::take_told(const std::string& from, kind what, const std::string& bytes) {
  places_->heard(from);
  if (what == kind::engine_down) {
    const auto down = decode_control<proto::engine_down>(all_, bytes);
    if (down) on_shard(costs_.told, [&] { shard_->on_engine_down(*down, all_.now()); });
    return;
  }
  auto served = decode_control<proto::catalogue>(all_, bytes);
  if (!served) return;
  {
    const in_part mine{part::books, costs_.book};
    places_->set_pools(served->pools);
  }
  on_shard(costs_.told, [&] { shard_->on_catalogue(std::move(*served), all_.now()); });
}

}  // namespace coppice::fleet
