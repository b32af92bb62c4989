#include "gateway/shard/credit.hpp"

#include <algorithm>

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
  ttl_ = std::chrono::microseconds{grant.ttl_us};
  if (idle() == 0 && in_flight() == 0) {
    spare_ = 0;
    lapses_ = now + ttl_;
  }
  if (lapses_ == now + ttl_) spare_ += grant.rows;
  line->idle += grant.rows;
}

void credit_purse::give_back(incarnation_id incarnation, std::uint32_t version, std::uint32_t rows,
                             std::uint32_t returned) {
  auto* line = find(incarnation, version);
  if (line == nullptr) return;
  line->in_flight -= std::min(rows, line->in_flight);
  line->idle += std::min(rows, returned);
}

void credit_purse::ended(incarnation_id incarnation, std::uint32_t version, bool completed,
                         duration took) {
  auto* line = find(incarnation, version);
  if (line == nullptr) return;
  ++(completed ? line->completed : line->failed);
  if (completed) line->latency += took;
}

void credit_purse::drop_idle(incarnation_id incarnation) {
  for (auto& line : lines_)
    if (line.incarnation == incarnation) line.idle = 0;
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

/// Where most are idle, so that the rest stays spread.
void credit_purse::drop(std::uint32_t rows) {
  const auto fewer_idle = [](const credit_line* a, const credit_line* b) {
    return a->idle < b->idle;
  };
  std::vector<credit_line*> lines;
  for (auto& line : lines_) lines.push_back(&line);
  std::ranges::make_heap(lines, fewer_idle);
  for (; rows > 0 && !lines.empty() && lines.front()->idle > 0; --rows) {
    --lines.front()->idle;
    std::ranges::pop_heap(lines, fewer_idle);
    std::ranges::push_heap(lines, fewer_idle);
  }
}

bool credit_purse::lapse(steady_time now) {
  bool dropped = false;
  if (now >= lapses_) {
    spare_ = std::min(spare_, idle());
    dropped = spare_ > 0;
    drop(spare_);
    spare_ = idle();
    lapses_ = now + ttl_;
  }
  const auto empty = [](const auto& line) { return line.idle == 0 && line.in_flight == 0; };
  return std::erase_if(lines_, empty) > 0 || dropped;
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

std::uint32_t credit_purse::in_flight(incarnation_id incarnation) const noexcept {
  std::uint32_t rows = 0;
  for (const auto& line : lines_)
    if (line.incarnation == incarnation) rows += line.in_flight;
  return rows;
}

void credit_purse::report(const std::string& model, std::vector<proto::holding>& out) {
  for (auto& line : lines_) {
    out.push_back({line.incarnation, model, line.version, line.idle + line.in_flight,
                   line.completed, line.failed, line.refused, to_us(line.latency)});
    line.completed = line.failed = line.refused = 0;
    line.latency = duration{0};
  }
}

}  // namespace coppice::gateway
