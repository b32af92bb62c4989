#include "gateway/shard/credit.hpp"

#include <algorithm>
#include <utility>

namespace coppice::gateway {

credit_line* credit_purse::find(incarnation_id incarnation, std::uint32_t version) noexcept {
  for (auto& line : lines_)
    if (line.incarnation == incarnation && line.version == version) return &line;
  return nullptr;
}

void credit_purse::grant(const proto::grant& grant, steady_time now) {
  auto* line = find(grant.incarnation, grant.version);
  if (line == nullptr) line = &lines_.emplace_back(credit_line{});
  line->incarnation = grant.incarnation;
  line->version = grant.version;
  line->idle += grant.rows;
  line->ttl = std::chrono::microseconds{grant.ttl_us};
  line->lapses = now + line->ttl;
}

credit_line* credit_purse::charge(credit_line* line, std::uint32_t rows) noexcept {
  if (line == nullptr) return nullptr;
  line->idle -= rows;
  line->in_flight += rows;
  return line;
}

credit_line* credit_purse::spend(std::uint32_t rows) {
  credit_line* best = nullptr;
  for (auto& line : lines_)
    if (line.idle >= rows && (best == nullptr || line.in_flight < best->in_flight)) best = &line;
  return charge(best, rows);
}

credit_line* credit_purse::spend(std::uint32_t rows, const spend_rules& rules) {
  if (rules.breakers.empty() && !rules.avoid) return spend(rows);
  credit_line* best = nullptr;
  credit_line* probe = nullptr;
  bool any_closed = false;
  const auto rank = [&](const credit_line& line) {
    return std::pair{line.incarnation == rules.avoid, line.in_flight};
  };
  for (auto& line : lines_) {
    const bool may_send = rules.breakers.may_send(line.incarnation, rules.now);
    any_closed = any_closed || may_send;
    auto& choice = may_send ? best : probe;
    if (line.idle >= rows && (choice == nullptr || rank(line) < rank(*choice))) choice = &line;
  }
  if (!any_closed && rules.breakers.may_probe()) best = probe;
  return charge(best, rows);
}

void credit_purse::give_back(incarnation_id incarnation, std::uint32_t version, std::uint32_t rows,
                             std::uint32_t returned, steady_time now) {
  auto* line = find(incarnation, version);
  if (line == nullptr) return;
  line->in_flight -= std::min(rows, line->in_flight);
  line->idle += std::min(rows, returned);
  line->lapses = now + line->ttl;
  ++line->completed;
}

void credit_purse::refused(incarnation_id incarnation, std::uint32_t version, std::uint32_t rows) {
  auto* line = find(incarnation, version);
  if (line == nullptr) return;
  line->in_flight -= std::min(rows, line->in_flight);
  line->idle = 0;
  ++line->refused;
}

void credit_purse::forget(incarnation_id incarnation) {
  std::erase_if(lines_, [&](const auto& line) { return line.incarnation == incarnation; });
}

bool credit_purse::lapse(steady_time now) {
  bool dropped = false;
  for (auto& line : lines_)
    if (line.idle > 0 && now >= line.lapses) line.idle = 0, dropped = true;
  std::erase_if(lines_, [](const auto& line) { return line.idle == 0 && line.in_flight == 0; });
  return dropped;
}

std::uint32_t credit_purse::idle() const noexcept {
  std::uint32_t rows = 0;
  for (const auto& line : lines_) rows += line.idle;
  return rows;
}

std::uint32_t credit_purse::in_flight() const noexcept {
  std::uint32_t rows = 0;
  for (const auto& line : lines_) rows += line.in_flight;
  return rows;
}

void credit_purse::report(const std::string& model, std::vector<proto::holding>& out) {
  for (auto& line : lines_) {
    out.push_back({line.incarnation, model, line.version, line.idle + line.in_flight,
                   line.completed, line.failed, line.refused});
    line.completed = line.failed = line.refused = 0;
  }
}

}  // namespace coppice::gateway
