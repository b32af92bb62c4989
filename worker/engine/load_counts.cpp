#include "worker/engine/load_counts.hpp"

#include <algorithm>
#include <limits>

namespace coppice::worker {

namespace {

template <class Bounds>
std::size_t bucket(const Bounds& bounds, std::uint64_t value) {
  return static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) -
                                  bounds.begin());
}

template <class Bounds, class Counts>
std::vector<proto::bucket_count> as_buckets(const Bounds& bounds, const Counts& counts) {
  std::vector<proto::bucket_count> out;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto le = i < bounds.size() ? bounds[i] : std::numeric_limits<std::uint64_t>::max();
    out.push_back({le, counts[i]});
  }
  return out;
}

}  // namespace

void load_counts::step_ran(std::uint32_t rows, release_reason reason, duration took) {
  const auto us = to_us(took);
  ++rows_[bucket(row_bounds, rows)];
  ++us_[bucket(us_bounds, us)];
  us_sum_ += us;
  ++releases_[static_cast<std::size_t>(reason)];
}

void load_counts::report(proto::model_load& load) const {
  load.completed = completed_;
  load.failed = failed_;
  load.refused = refused_;
  load.batch_rows = as_buckets(row_bounds, rows_);
  load.compute_us = as_buckets(us_bounds, us_);
  load.compute_us_sum = us_sum_;
  for (std::size_t i = 0; i < releases_.size(); ++i)
    load.releases.push_back({reason_name(static_cast<release_reason>(i)), releases_[i]});
}

}  // namespace coppice::worker
