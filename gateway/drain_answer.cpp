#include "gateway/drain_answer.hpp"

#include <algorithm>
#include <string_view>

namespace coppice::gateway {

namespace {

/// How far that state is from what the order wants, from 0.
int distance(const proto::drain_order& order, std::string_view state) {
  if (state == "unknown") return -1;  // a scheduler that is new does not hold up the others
  const int drained = state == "serving" ? 0 : state == "draining" ? 1 : 2;
  return order.drain ? 2 - drained : drained;
}

}  // namespace

proto::drain_status drain_answer(const proto::drain_order& order,
                                 const std::vector<proto::drain_status>& answers) {
  const auto nearer = [&](const auto& a, const auto& b) {
    return distance(order, a.state) < distance(order, b.state);
  };
  auto out = *std::max_element(answers.begin(), answers.end(), nearer);
  out.waiting_for.clear();
  for (const auto& each : answers)
    if (each.state == out.state)
      for (const auto& what : each.waiting_for)
        if (std::find(out.waiting_for.begin(), out.waiting_for.end(), what) ==
            out.waiting_for.end())
          out.waiting_for.push_back(what);
  return out;
}

}  // namespace coppice::gateway
