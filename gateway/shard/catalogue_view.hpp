#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "proto/messages/client.hpp"
#include "proto/messages/control.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace coppice::gateway {

/// What a request for a known model is told while no engine serves it.
[[nodiscard]] error nothing_serves(const std::string& model, std::uint32_t retry_after_ms);

/// What is served, as the schedulers last said, and what was served before: a model whose engines
/// are being started again is waited for, not unknown. Bounded by the names of the repositories.
class catalogue_view {
 public:
  void take(proto::catalogue&& all, steady_time now);
  /// Whether a scheduler has said anything yet.
  [[nodiscard]] bool is_known() const noexcept { return known_; }
  /// Whether the first model was named `settling` ago: a scheduler that has just begun may not have
  /// heard of every worker.
  [[nodiscard]] bool is_settled(duration settling, steady_time now) const noexcept {
    return first_named_ && now - *first_named_ >= settling;
  }

  /// What some engine serves now; version 0: the newest. Null: nobody does.
  [[nodiscard]] const proto::model_card* served(const std::string& model,
                                                std::uint32_t version) const;
  /// The same, or what was served before. Null: never heard of.
  [[nodiscard]] const proto::model_card* find(const std::string& model,
                                              std::uint32_t version) const;
  /// Whether engines have that model, of which none has served since this gateway began: they drain
  /// or are being started again.
  [[nodiscard]] bool is_awaited(const std::string& model) const;
  /// For `models`: every model that is served now.
  [[nodiscard]] const std::vector<proto::model_card>& models() const noexcept {
    return now_.models;
  }
  /// For `model`: the versions served now, else the newest that was.
  [[nodiscard]] std::vector<proto::model_card> versions(const std::string& model,
                                                        std::uint32_t version) const;
  /// For `status`.
  [[nodiscard]] std::vector<proto::model_readiness> readiness() const;

 private:
  proto::catalogue now_;
  std::map<std::pair<std::string, std::uint32_t>, proto::model_card> ever_;
  /// Models that some pool has had.
  std::set<std::string> pooled_;
  bool known_ = false;
  std::optional<steady_time> first_named_;
};

}  // namespace coppice::gateway
