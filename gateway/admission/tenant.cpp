#include "gateway/admission/tenant.hpp"

#include "gateway/admission/retry_after.hpp"

#include <algorithm>

namespace coppice::gateway {

namespace {

/// Nobody can say when open requests end.
constexpr duration some_time = 20ms;

}  // namespace

tenant::tenant(tenant_id id, std::string name, const tenant_limits& limits, steady_time now)
    : id_{id},
      name_{std::move(name)},
      weight_{limits.weight},
      next_weight_{limits.weight},
      most_requests_{limits.open_requests},
      most_bytes_{limits.open_bytes},
      requests_{limits.requests_burst, limits.requests_per_s, now},
      bytes_{limits.bytes_burst, limits.bytes_per_s, now},
      compute_us_{limits.compute_burst_ms * 1000, limits.compute_ms_per_s * 1000, now} {}

duration tenant::time_until(std::size_t bytes, steady_time now) const noexcept {
  // A request that is larger than the burst needs a full bucket and leaves a debt.
  const auto needed = std::min<std::uint64_t>(bytes, bytes_.capacity());
  return std::max({requests_.time_until(1, now), bytes_.time_until(needed, now),
                   compute_us_.time_until(1, now)});
}

std::optional<shed> tenant::judge(std::size_t bytes, steady_time now, double draw) const {
  const auto refuse = [&](const char* why, duration wait) {
    return shed{shed_reason::quota, {errc::quota, why, retry_after_ms(wait, draw)}};
  };
  if (open_requests_ >= most_requests_)
    return refuse("The tenant has as many open requests as it may.", some_time);
  if (open_bytes_ + bytes > most_bytes_)
    return refuse("The tenant's open requests hold as many bytes as they may.", some_time);
  if (const auto wait = time_until(bytes, now); wait > duration{0})
    return refuse("The tenant has used up its requests, bytes or compute time a second.", wait);
  return std::nullopt;
}

void tenant::open(std::size_t bytes, steady_time now) {
  requests_.charge(1, now);
  bytes_.charge(bytes, now);
  ++open_requests_;
  open_bytes_ += bytes;
}

void tenant::close(std::size_t bytes) noexcept {
  --open_requests_;
  open_bytes_ -= bytes;
  if (open_requests_ == 0) weight_ = next_weight_;
}

void tenant::limit(const tenant_limits& limits, steady_time now) {
  next_weight_ = limits.weight;
  if (open_requests_ == 0) weight_ = next_weight_;
  most_requests_ = limits.open_requests;
  most_bytes_ = limits.open_bytes;
  requests_ = {limits.requests_burst, limits.requests_per_s, now};
  bytes_ = {limits.bytes_burst, limits.bytes_per_s, now};
  compute_us_ = {limits.compute_burst_ms * 1000, limits.compute_ms_per_s * 1000, now};
}

void tenant::charge(duration compute, steady_time now) noexcept {
  compute_us_.charge(to_us(compute), now);
}

bool tenant::idle(steady_time now) const noexcept {
  return open_requests_ == 0 && requests_.full(now) && bytes_.full(now) && compute_us_.full(now);
}

duration compute_share(duration computed, std::uint32_t rows, std::uint32_t batch_rows) noexcept {
  if (rows >= batch_rows) return computed;
  return computed * rows / batch_rows;
}

}  // namespace coppice::gateway
