#include "tests/simulation/auditor.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace coppice::simulation {

namespace {

constexpr duration grace = 50ms;
constexpr double amplification_limit = 1.10;
/// Retries a second that each gateway may always make.
constexpr double retry_floor = 3;

}  // namespace

const char* invariant_name(invariant which) {
  constexpr const char* names[] = {
      "conservation", "one outcome", "right answer", "fencing",      "capacity", "amplification",
      "memory",       "deadline",    "cancelling",   "at most once", "credit",   "detection",
      "isolation",    "draining",    "poison",       "planned",      "recovery"};
  return names[static_cast<std::size_t>(which)];
}

auditor::auditor(const scenario& of) : of_{of}, records_(of.requests.size() + 1) {
  for (const auto& node : of.nodes) engines_.emplace_back(node.engines.size());
}

void auditor::found(invariant which, std::string what, std::uint64_t request) {
  if (!first_) first_ = breach{which, std::move(what), request};
}

// --- what clients see ----------------------------------------------------------------------

void auditor::submitted(std::uint64_t number) { records_[number].submitted = true; }

void auditor::abandoned(std::uint64_t number) { records_[number].abandoned = true; }

void auditor::outcome(std::uint64_t number, const std::string& code, bool right, duration late) {
  auto& it = records_[number];
  it.ok = code.empty();
  it.code = code;
  if (++it.outcomes > 1)
    found(invariant::one_outcome, "the client got a second outcome: " + code, number);
  if (!right)
    found(invariant::right_answer, "the answer is not what the request asked for", number);
  if (late > grace)
    found(invariant::deadline,
          fmt::format("the client got its outcome {} ms after the deadline", late / 1ms), number);
}

// --- attempts ------------------------------------------------------------------------------

void auditor::attempt_sent(std::uint64_t number) {
  auto& it = records_[number];
  ++attempts_;
  if (it.lost > 0 && !it.free_retry) it.free_retry = true, ++free_retries_;
}

void auditor::attempt_lost(std::uint64_t number) { ++records_[number].lost; }

void auditor::attempt_starts(std::uint64_t number) {
  auto& it = records_[number];
  ++it.starts;
  if (plan(number).content != 0) ++starts_of_[plan(number).content];
  if (plan(number).at_most_once && it.starts > 1)
    found(invariant::at_most_once, "it was started a second time", number);
}

void auditor::quarantined(std::uint32_t node, std::uint32_t engine, bool given_up) {
  engines_[node][engine].given_up = given_up;
}

void auditor::up_since(std::uint32_t node, std::uint32_t engine, std::optional<duration> since) {
  engines_[node][engine].up_since = since;
}

// --- the end -------------------------------------------------------------------------------

template <class Predicate>
bool auditor::any_engine(std::uint32_t model, Predicate predicate) const {
  for (std::size_t n = 0; n < of_.nodes.size(); ++n)
    for (std::size_t k = 0; k < of_.nodes[n].engines.size(); ++k) {
      const auto& models = of_.nodes[n].engines[k].models;
      if (std::count(models.begin(), models.end(), model) > 0 && predicate(engines_[n][k]))
        return true;
    }
  return false;
}

bool auditor::can_be_served(std::uint32_t model) const {
  return any_engine(model, [](const auto& each) { return !each.given_up; });
}

bool auditor::was_up(std::uint32_t model, duration since) const {
  return any_engine(model,
                    [&](const auto& each) { return each.up_since && *each.up_since <= since; });
}

void auditor::runs_row_by_row(const model_plan& model, duration at) {
  if (at >= of_.calm_from) held_up_.insert(&model);
}

/// A bad content that is left from before may hold up a slow model for as many steps as a batch has
/// rows.
void auditor::check_calm(std::uint64_t number, const record& of) {
  const auto model = plan(number).model;
  if (of.ok || of.abandoned || !can_be_served(model)) return;
  if (held_up_.contains(&of_.models[model])) return;
  found(invariant::recovery, "long after the last fault it ended with " + of.code, number);
}

/// Planned work alone fails nothing, and nobody is convicted for what another did.
void auditor::check_innocent(std::uint64_t number, const record& of) {
  const auto does = plan(number).does;
  if (of.ok || of.abandoned || does == behaviour::crash || does == behaviour::hang) return;
  if (of.code == "poison") found(invariant::poison, "an innocent request was convicted", number);
  if (of_.gentle && !of_.harmful)
    found(invariant::planned, "stops and drains alone made it end with " + of.code, number);
}

/// A content ends two engines, and those that had a copy of it before, a second attempt of the same
/// request among them. Each gateway or scheduler that forgets what it knew may cost one more: two,
/// if they are one process. Where there are other faults as well, nothing is known.
void auditor::check_contents() {
  if (!of_.gentle) return;
  std::uint32_t forgetful = 0;
  for (const auto& each : of_.faults)
    if (each.kind == fault_kind::stop_gateway)
      forgetful += of_.gateways[each.target].embeds_scheduler ? 2 : 1;
    else if (each.kind == fault_kind::stop_scheduler)
      forgetful += of_.schedulers[each.target].gateway >= 0 ? 2 : 1;
  for (const auto& [content, starts] : starts_of_) {
    std::uint32_t copies = 0;
    for (const auto& each : of_.requests)
      if (each.content == content)
        copies += of_.models[each.model].spec.hedge_after > duration{0} ? 2 : 1;
    if (starts > copies + 1 + forgetful)
      found(invariant::poison, fmt::format("{} engines were given a content that ends them, of "
                                           "which there were {} copies",
                                           starts, copies));
  }
}

void auditor::check_amplification() {
  const auto seconds = std::chrono::duration<double>(of_.ends).count();
  const auto counted = static_cast<double>(attempts_ - refused_ - free_retries_);
  const auto allowed = amplification_limit * static_cast<double>(accepted_) +
                       retry_floor * seconds * static_cast<double>(of_.gateways.size());
  if (counted > allowed)
    found(invariant::amplification,
          fmt::format("{} attempts for {} requests, without refused ones and {} first retries",
                      counted, accepted_, free_retries_));
}

void auditor::finish() {
  for (std::uint64_t number = 1; number < records_.size(); ++number) {
    const auto& it = records_[number];
    if (!it.submitted) continue;
    if (it.outcomes == 0 && !it.abandoned)
      found(invariant::one_outcome, "the client never got an outcome", number);
    check_innocent(number, it);
    if (plan(number).calm) check_calm(number, it);
  }
  check_contents();
  check_amplification();
}

auditor::totals auditor::counts() const {
  totals all{0, 0, 0, 0, accepted_, attempts_, refused_, free_retries_, {}};
  for (const auto& it : records_) {
    all.submitted += it.submitted;
    all.succeeded += it.outcomes > 0 && it.ok;
    all.failed += it.outcomes > 0 && !it.ok;
    all.abandoned += it.abandoned;
    if (it.outcomes > 0 && !it.ok) ++all.codes[it.code];
  }
  return all;
}

}  // namespace coppice::simulation
