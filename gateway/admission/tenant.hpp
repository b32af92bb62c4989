#pragma once

#include "base/clock.hpp"
#include "base/token_bucket.hpp"
#include "gateway/admission/shed.hpp"
#include "gateway/admission/tenant_id.hpp"
#include "gateway/admission/tenant_limits.hpp"

#include <optional>
#include <string>

namespace coppice::gateway {

struct tenant_counts;

/// One tenant's account at one gateway: what it has open, and what its rates leave it. O(1).
class tenant {
 public:
  tenant(tenant_id id, std::string name, const tenant_limits& limits, steady_time now);

  /// Whether a request of `bytes` fits. Takes nothing. @param draw  uniform in [0, 1).
  /// @returns the refusal (`quota`, with the time after which it would fit), if there is one.
  [[nodiscard]] std::optional<shed> judge(std::size_t bytes, steady_time now, double draw) const;
  /// A request came in, after `judge` let it.
  void open(std::size_t bytes, steady_time now);
  /// A request that came in has its outcome.
  void close(std::size_t bytes) noexcept;
  /// Other limits hold from now on, its rates as good as new. Its weight changes once nothing of it
  /// is open.
  void limit(const tenant_limits& limits, steady_time now);
  /// Engines computed for it, known only afterwards: it may run into debt.
  void charge(duration compute, steady_time now) noexcept;
  /// Whether forgetting it loses nothing: nothing is open and its rates are as good as new.
  [[nodiscard]] bool idle(steady_time now) const noexcept;

  [[nodiscard]] tenant_id id() const noexcept { return id_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::uint32_t weight() const noexcept { return weight_; }
  [[nodiscard]] std::size_t open_requests() const noexcept { return open_requests_; }
  [[nodiscard]] std::size_t open_bytes() const noexcept { return open_bytes_; }

  /// Figures, owned by the shard's counts; null where nobody counts.
  tenant_counts* counts = nullptr;

 private:
  [[nodiscard]] duration time_until(std::size_t bytes, steady_time now) const noexcept;

  tenant_id id_;
  std::string name_;
  std::uint32_t weight_, next_weight_;
  std::size_t most_requests_, most_bytes_;
  token_bucket requests_, bytes_, compute_us_;
  std::size_t open_requests_ = 0, open_bytes_ = 0;
};

/// The part of a batch's compute time that one of its attempts is charged.
/// @param rows  of the attempt. @param batch_rows  of the batch; 0: not known, the attempt pays
/// all.
[[nodiscard]] duration compute_share(duration computed, std::uint32_t rows,
                                     std::uint32_t batch_rows) noexcept;

}  // namespace coppice::gateway
