#pragma once

#include "base/metrics.hpp"
#include "gateway/admission/shed.hpp"
#include "gateway/shard/ledger.hpp"

#include <array>
#include <map>
#include <memory>
#include <string>

namespace coppice::gateway {

/// Figures of one model, children looked up once.
struct model_counts {
  model_counts(metrics& registry, const std::string& model, std::uint32_t version);
  /// By error code; the last is for requests without error.
  std::array<prometheus::Counter*, 17> requests{};
  prometheus::Histogram* queue_seconds = nullptr;
  prometheus::Histogram* total_seconds = nullptr;
};

/// Requests refused, and results dropped, because there was too much, by reason.
class shed_counts {
 public:
  explicit shed_counts(metrics& registry);
  [[nodiscard]] prometheus::Counter* operator[](shed_reason why) const noexcept {
    return counters_[static_cast<std::size_t>(why)];
  }

 private:
  std::array<prometheus::Counter*, shed_reason_names.size()> counters_{};
};

/// A shard's figures. Models become labels only once they are in the catalogue.
class shard_counts {
 public:
  explicit shard_counts(metrics& registry);
  /// The figures of a model that the catalogue knows.
  model_counts* of(const std::string& model, std::uint32_t version);

  prometheus::Counter& rejected;
  prometheus::Counter& attempts;
  prometheus::Counter& retries;
  prometheus::Counter& hedges;
  prometheus::Counter& refusals;
  prometheus::Counter& late_replies;
  prometheus::Counter& dropped_replies;
  shed_counts shed;
  prometheus::Counter& connections_closed;
  prometheus::Counter& handshakes_failed;
  prometheus::Gauge& waiting_rows;
  prometheus::Gauge& credit_rows;
  prometheus::Gauge& open_requests;
  prometheus::Gauge& admitted_bytes;
  prometheus::Gauge& outgoing_bytes;
  prometheus::Gauge& engine_links;
  prometheus::Gauge& unreachable_engines;

 private:
  metrics& registry_;
  std::map<std::pair<std::string, std::uint32_t>, std::unique_ptr<model_counts>> models_;
};

}  // namespace coppice::gateway
