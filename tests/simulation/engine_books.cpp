#include "tests/simulation/engine_books.hpp"

#include <fmt/format.h>

namespace coppice::simulation {

void engine_books::took(const std::string& gateway, attempt_id id, std::uint64_t number,
                        std::uint32_t model, std::uint32_t rows, steady_time deadline) {
  const bool fresh = open_.emplace(key{id, gateway}, taken{number, model, rows, deadline}).second;
  if (!fresh) all_.found(invariant::fencing, "an engine took one attempt twice", number);
  rows_[model] += rows;
  const auto capacity = all_.of().models[model].spec.card().capacity_rows;
  if (rows_[model] > capacity)
    all_.found(invariant::capacity,
               fmt::format("an engine holds {} rows and may hold {}", rows_[model], capacity),
               number);
}

void engine_books::told_to_cancel(const std::string& gateway, attempt_id id) {
  const auto found = open_.find({id, gateway});
  if (found != open_.end()) found->second.dropped = true;
}

void engine_books::lost_gateway(const std::string& gateway) {
  for (auto& [id, each] : open_)
    if (id.second == gateway) each.dropped = true;
}

void engine_books::starts(const std::string& gateway, attempt_id id, steady_time now) {
  const auto found = open_.find({id, gateway});
  if (found == open_.end())
    return all_.found(invariant::fencing, "an engine starts what it has not taken or has answered");
  auto& it = found->second;
  if (it.dropped || it.started)
    all_.found(it.started ? invariant::one_outcome : invariant::cancelling,
               it.started ? "an engine starts one attempt twice"
                          : "an engine starts an attempt that nobody waits for",
               it.number);
  if (it.deadline <= now)
    all_.found(invariant::deadline, "an engine starts it behind its deadline", it.number);
  it.started = true;
  all_.attempt_starts(it.number);
}

void engine_books::ends(const std::string& gateway, attempt_id id) {
  const auto found = open_.find({id, gateway});
  if (found == open_.end()) return;
  rows_[found->second.model] -= found->second.rows;
  open_.erase(found);
}

void engine_books::turned(std::uint32_t model, std::uint32_t queued, std::uint32_t running) {
  if (queued + running != rows_[model])
    all_.found(invariant::capacity, fmt::format("an engine's queue counts {} rows; there are {}",
                                                queued + running, rows_[model]));
}

}  // namespace coppice::simulation
