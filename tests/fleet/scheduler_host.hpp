#pragma once

#include "scheduler/cluster_view.hpp"
#include "tests/fleet/part.hpp"
#include "tests/fleet/traffic.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace coppice::fleet {

class cluster;

/// A scheduler: a real cluster view, and what scheduler/scheduler_actor.cpp does around it.
class scheduler_host {
 public:
  struct costs {
    /// `cluster_view::place`, and the codec of its request and reply.
    cost place, place_codec;
    /// `cluster_view::take`, and the codec of the snapshot.
    cost snapshot, snapshot_codec;
    cost turn;
    /// Deaths, gateways that join, catalogues.
    cost others;
  };
  /// What it granted.
  struct granted {
    std::uint64_t wants = 0, grants = 0, rows = 0, refused = 0;
  };

  scheduler_host(cluster& all, std::uint32_t index);
  [[nodiscard]] std::string name() const { return "scheduler-" + std::to_string(index_ + 1); }

  // What comes over CAF, encoded.
  void join(std::uint32_t gateway);
  void take_snapshot(const std::string& bytes);
  void take_down(const std::string& bytes);
  void place(std::uint32_t gateway, std::uint64_t ticket, const std::string& bytes);

  /// Rows of a model that it would grant now to somebody who wants all of them.
  [[nodiscard]] std::uint32_t free_rows(const std::string& model);

  [[nodiscard]] costs& spent() { return costs_; }
  /// What it had spent when every engine was up.
  [[nodiscard]] costs& at_start() { return at_start_; }
  [[nodiscard]] granted& given() { return granted_; }

 private:
  void turn();
  void publish(const scheduler::cluster_view::news& news);
  void tell(std::uint32_t gateway, kind what, const std::string& bytes);
  void tell_all(kind what, const std::string& bytes);
  [[nodiscard]] std::string catalogue();
  void count(const proto::place_request& request, const proto::place_reply& reply);

  cluster& all_;
  std::uint32_t index_;
  costs costs_, at_start_;
  granted granted_;
  std::unique_ptr<scheduler::cluster_view> view_;
};

}  // namespace coppice::fleet
