#include "gateway/recorder/flight_hops.hpp"

#include <algorithm>
#include <utility>

namespace coppice::gateway {

void flight_hops::push(std::string what, std::uint64_t us, std::string where, std::string text) {
  if (us == 0 && text.empty()) return;
  done_us_ += us;
  where.resize(std::min(where.size(), proto::max_hop_text));
  text.resize(std::min(text.size(), proto::max_hop_text));
  hops_.push_back({std::move(what), us, std::move(where), std::move(text)});
}

void flight_hops::add(std::string what, steady_time until, std::string where, std::string text) {
  const auto end = std::max(to_us(until - arrived_), done_us_);
  push(std::move(what), end - done_us_, std::move(where), std::move(text));
}

void flight_hops::add_answer(steady_time ended, const std::string& where, std::uint64_t batch_us,
                             std::uint64_t compute_us, std::string batch) {
  const auto whole = std::max(to_us(ended - arrived_), done_us_) - done_us_;
  const auto compute = std::min(compute_us, whole);
  const auto queue = std::min(batch_us, whole - compute);
  push("queue", queue, where, std::move(batch));
  push("compute", compute, where, {});
  push("link", whole - compute - queue, where, "there and back");
}

std::vector<proto::hop> flight_hops::take() && {
  if (hops_.size() <= proto::max_hops) return std::move(hops_);
  auto& last = hops_[proto::max_hops - 1];
  last.text = std::to_string(hops_.size() - proto::max_hops + 1) + " hops";
  last.what = "more", last.where.clear();
  for (auto i = proto::max_hops; i < hops_.size(); ++i) last.took_us += hops_[i].took_us;
  hops_.resize(proto::max_hops);
  return std::move(hops_);
}

}  // namespace coppice::gateway
