#include "tests/fleet/scheduler_host.hpp"

#include "proto/codec/codec.hpp"
#include "tests/fleet/cluster.hpp"
#include "tests/fleet/control.hpp"
#include "tests/fleet/gateway_host.hpp"

namespace coppice::fleet {

scheduler_host::scheduler_host(cluster& all, std::uint32_t index) : all_{all}, index_{index} {
  const in_part mine{part::schedulers, costs_.others};
  view_ = std::make_unique<scheduler::cluster_view>();
  all.time().in(all.random().between(0ms, 25ms), [this] {
    all_.time().every(scheduler::verdict_options{}.turn, [this] { turn(); });
  });
}

void scheduler_host::turn() {
  scheduler::cluster_view::news news;
  {
    const in_part mine{part::schedulers, costs_.turn};
    news = view_->turn(all_.now());
  }
  publish(news);
}

// --- to gateways ---------------------------------------------------------------------------

void scheduler_host::tell(std::uint32_t gateway, kind what, const std::string& bytes) {
  all_.sent().add(what, bytes.size());
  all_.time().in(all_.of().path, [&to = *all_.gateways()[gateway], from = name(), what, bytes] {
    to.take_told(from, what, bytes);
  });
}

void scheduler_host::tell_all(kind what, const std::string& bytes) {
  for (std::uint32_t g = 0; g < all_.of().gateways; ++g) tell(g, what, bytes);
}

std::string scheduler_host::catalogue() {
  const in_part mine{part::schedulers, costs_.others};
  return proto::encode(view_->catalogue());
}

void scheduler_host::publish(const scheduler::cluster_view::news& news) {
  for (const auto& down : news.downs) tell_all(kind::engine_down, proto::encode(down));
  if (news.catalogue_changed) tell_all(kind::catalogue, catalogue());
}

void scheduler_host::join(std::uint32_t gateway) {
  {
    const in_part mine{part::schedulers, costs_.others};
    (void)view_->gateway_joined(all_.gateways()[gateway]->name(), all_.now());
  }
  tell(gateway, kind::catalogue, catalogue());
}

// --- what comes ----------------------------------------------------------------------------

void scheduler_host::take_snapshot(const std::string& bytes) {
  std::optional<proto::node_snapshot> snapshot;
  {
    const in_part mine{part::schedulers, costs_.snapshot_codec};
    snapshot = decode_control<proto::node_snapshot>(all_, bytes);
  }
  if (!snapshot) return;
  scheduler::cluster_view::news news;
  {
    const in_part mine{part::schedulers, costs_.snapshot};
    news = view_->take(*snapshot, all_.now());
  }
  publish(news);
}

void scheduler_host::take_down(const std::string& bytes) {
  const auto down = decode_control<proto::engine_down>(all_, bytes);
  if (!down) return;
  scheduler::cluster_view::news news;
  {
    const in_part mine{part::schedulers, costs_.others};
    news = view_->engine_down(*down, all_.now());
  }
  publish(news);
}

void scheduler_host::place(std::uint32_t gateway, std::uint64_t ticket, const std::string& bytes) {
  std::optional<proto::place_request> request;
  {
    const in_part mine{part::schedulers, costs_.place_codec};
    request = decode_control<proto::place_request>(all_, bytes);
  }
  if (!request) return;
  proto::place_reply reply;
  {
    const in_part mine{part::schedulers, costs_.place};
    reply = view_->place(*request, all_.now());
  }
  count(*request, reply);
  std::string answer;
  {
    const in_part mine{part::schedulers, costs_.place_codec};
    answer = proto::encode(reply);
  }
  all_.sent().add(kind::place_reply, answer.size());
  all_.time().in(all_.of().path, [&to = *all_.gateways()[gateway], from = name(), ticket, answer] {
    to.take_answer(from, ticket, answer);
  });
}

void scheduler_host::count(const proto::place_request& request, const proto::place_reply& reply) {
  granted_.wants += request.wants.size();
  granted_.grants += reply.grants.size();
  granted_.refused += reply.refused.size();
  for (const auto& each : reply.grants) granted_.rows += each.rows;
}

std::uint32_t scheduler_host::free_rows(const std::string& model) {
  proto::place_request all;
  all.gateway = "auditor";
  all.wants.push_back({model, 0, UINT32_MAX / 2, 1'000'000});
  std::uint32_t rows = 0;
  for (const auto& each : view_->place(all, all_.now()).grants) rows += each.rows;
  return rows;
}

}  // namespace coppice::fleet
