#pragma once

#include "base/metrics.hpp"
#include "gateway/admission/priority.hpp"
#include "gateway/admission/shed.hpp"
#include "gateway/shard/ledger.hpp"

#include <array>
#include <map>
#include <memory>
#include <string>

namespace coppice::gateway {

/// One child for each class.
template <class Figure>
using by_class = std::array<Figure*, priorities.size()>;

/// Figures of one model, children looked up once.
struct model_counts {
  model_counts(metrics& registry, const std::string& model, std::uint32_t version);
  /// By error code; the last is for requests without error.
  std::array<prometheus::Counter*, 17> requests{};
  by_class<prometheus::Histogram> queue_seconds{};
  by_class<prometheus::Gauge> oldest_wait{};
  prometheus::Histogram* total_seconds = nullptr;
};

/// What became of one tenant's requests.
struct tenant_counts {
  tenant_counts(metrics& registry, const std::string& tenant);
  /// By `outcome`.
  std::array<prometheus::Counter*, 4> ended{};
  /// Before they had a row.
  prometheus::Counter* refused = nullptr;
};

/// Requests refused because there was too much, by reason and class.
class shed_counts {
 public:
  explicit shed_counts(metrics& registry);
  void add(shed_reason why, priority rank) const noexcept {
    counters_[static_cast<std::size_t>(why)][index_of(rank)]->Increment();
  }

 private:
  std::array<by_class<prometheus::Counter>, shed_reason_names.size()> counters_{};
};

/// Requests refused before they had a row, by error code and class.
class refused_counts {
 public:
  explicit refused_counts(metrics& registry);
  void add(errc why, priority rank) const noexcept {
    counters_[static_cast<std::size_t>(why)][index_of(rank)]->Increment();
  }
  /// Any thread.
  [[nodiscard]] double total() const;

 private:
  std::array<by_class<prometheus::Counter>, 16> counters_{};
};

/// A shard's figures. Models become labels only once they are in the catalogue, tenants while there
/// are fewer than `most_tenants`: any further one is counted as `other`.
class shard_counts {
 public:
  static constexpr std::size_t most_tenants = 64;

  explicit shard_counts(metrics& registry);
  /// The figures of a model that the catalogue knows.
  model_counts* of(const std::string& model, std::uint32_t version);
  /// The figures of a tenant, for as long as this lives.
  tenant_counts* of_tenant(const std::string& name);
  /// Those of tenants without figures of their own.
  tenant_counts* of_others() noexcept { return &others_; }

  prometheus::Counter& rejected;
  prometheus::Counter& attempts;
  prometheus::Counter& retries_charged;
  prometheus::Counter& retries_free;
  prometheus::Counter& hedges;
  prometheus::Counter& refusals;
  prometheus::Counter& cancels;
  prometheus::Counter& late_replies;
  prometheus::Counter& dropped_replies;
  prometheus::Counter& displaced_results;
  shed_counts shed;
  refused_counts refused;
  /// Requests that came again with their key: they joined the open one, or got the kept outcome.
  prometheus::Counter& joined;
  prometheus::Counter& replayed;
  /// Trials of suspects, by whether the engine lived.
  prometheus::Counter& trials_survived;
  prometheus::Counter& trials_killed;
  prometheus::Counter& convictions;
  prometheus::Counter& breaker_opens;
  prometheus::Counter& drains;
  prometheus::Counter& places_moved;
  prometheus::Counter& connections_closed;
  prometheus::Counter& handshakes_failed;
  prometheus::Counter& connections_revoked;
  prometheus::Counter& allow_lists_taken;
  prometheus::Counter& allow_lists_rejected;
  prometheus::Gauge& waiting_rows;
  prometheus::Gauge& credit_rows;
  prometheus::Gauge& open_requests;
  prometheus::Gauge& admitted_bytes;
  prometheus::Gauge& outgoing_bytes;
  prometheus::Gauge& engine_links;
  prometheus::Gauge& schedulers;
  prometheus::Gauge& unreachable_engines;
  prometheus::Gauge& open_breakers;
  prometheus::Gauge& draining_engines;

 private:
  metrics& registry_;
  std::map<std::pair<std::string, std::uint32_t>, std::unique_ptr<model_counts>> models_;
  std::map<std::string, std::unique_ptr<tenant_counts>> tenants_;
  tenant_counts others_;
};

}  // namespace coppice::gateway
