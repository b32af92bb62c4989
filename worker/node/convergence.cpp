#include "worker/node/convergence.hpp"

#include <algorithm>
#include <utility>

namespace coppice::worker {

convergence::convergence(std::vector<std::vector<std::size_t>> units, revision_standing standing,
                         backoff pause)
    : at_{standing}, pause_{pause} {
  for (auto& places : units) units_.push_back({std::move(places), at_.settled});
}

std::size_t convergence::unit_of(std::size_t place) const {
  const auto found = std::ranges::find_if(units_, [&](const unit& each) {
    return std::ranges::find(each.places, place) != each.places.end();
  });
  return static_cast<std::size_t>(found - units_.begin());
}

void convergence::aim(std::uint64_t target) {
  at_.target = target;
  at_.failed = may_begin_ = false;
  outcome_.reset();
  streak_ = 0;
  not_before_ = {};
  if (phase_ == phase::warming) abandon();
}

void convergence::may_begin(std::uint64_t target) { may_begin_ |= target == at_.target; }

void convergence::fail(std::uint64_t target, std::string why) {
  if (target != at_.target || !is_converging()) return;
  at_.failed = true;
  outcome_ = outcome{target, std::move(why)};
  if (phase_ == phase::warming) abandon();
}

std::vector<std::size_t> convergence::due(steady_time now, bool calm) {
  if (phase_ != phase::idle || !calm || now < not_before_) return {};
  if (is_converging() && !may_begin_) return {};
  const auto next =
      std::ranges::find_if(units_, [this](const unit& each) { return each.runs != goal(); });
  if (next == units_.end()) {
    settle();
    return {};
  }
  phase_ = phase::warming;
  current_ = static_cast<std::size_t>(next - units_.begin());
  step_ = goal();
  unready_ = alive_ = {next->places.begin(), next->places.end()};
  return next->places;
}

void convergence::settle() {
  if (!is_converging()) return;
  at_.settled = at_.target;
  outcome_ = outcome{at_.target, {}};
}

/// The successors that are there end, and nothing has changed.
void convergence::abandon() {
  phase_ = phase::abandoning;
  abandoned_.assign(alive_.begin(), alive_.end());
}

std::vector<std::size_t> convergence::abandoned() { return std::exchange(abandoned_, {}); }

std::vector<std::size_t> convergence::ready(std::size_t place) {
  if (phase_ != phase::warming || unready_.erase(place) == 0 || !unready_.empty()) return {};
  auto& replaced = units_[current_];
  replaced.runs = step_;
  phase_ = phase::leaving;
  alive_ = {replaced.places.begin(), replaced.places.end()};
  streak_ = 0;
  return replaced.places;
}

void convergence::successor_ended(std::size_t place, const std::string& why, steady_time now,
                                  double draw) {
  alive_.erase(place);
  if (phase_ == phase::warming) {
    if (is_converging()) {
      fail(step_, why);
    } else {
      not_before_ = now + pause_.delay(++streak_, draw);
      abandon();
    }
  }
  one_less(place);
}

void convergence::predecessor_ended(std::size_t place) { one_less(place); }

void convergence::one_less(std::size_t place) {
  alive_.erase(place);
  std::erase(abandoned_, place);
  const bool ends = phase_ == phase::leaving || phase_ == phase::abandoning;
  if (ends && alive_.empty()) phase_ = phase::idle;
}

void convergence::given_up(std::size_t place, const std::string& why) {
  if (runs(place) == at_.target) fail(at_.target, why);
}

std::optional<convergence::outcome> convergence::take_outcome() {
  return std::exchange(outcome_, std::nullopt);
}

}  // namespace coppice::worker
