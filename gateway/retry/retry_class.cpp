#include "gateway/retry/retry_class.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace coppice::gateway {

namespace {

using action = retry_decision::action;

enum class retry_class { never_ran, lost, hung, settled, suspect, not_loaded, engine_fault };

struct retry_rule {
  retry_class of;
  /// Attempts beyond the first.
  std::uint32_t more;
  bool alone;
  bool charged;
  /// Only if the usual time of an attempt is left.
  bool needs_time;
};

/// What may follow an attempt that failed. The letters are the names of the classes among people.
constexpr std::array<retry_rule, 7> rules{{
    // class                     more  alone  charged needs time
    {retry_class::never_ran, ~0u, false, false, false},  // A refused, link gone, engine stopping
    {retry_class::lost, 2, false, true, false},          // B engine or link lost
    {retry_class::hung, 1, true, false, true},           // C in the step that hung
    {retry_class::settled, 0, false, false, false},      // D full cluster, E same everywhere
    {retry_class::engine_fault, 1, false, true, false},  // F memory, I corrupt: once elsewhere
    {retry_class::suspect, 2, true, false, false},       // G in the step that died
    {retry_class::not_loaded, 2, false, true, false},    // H the model is gone from there
}};

constexpr const retry_rule& rule_of(retry_class of) {
  return *std::ranges::find(rules, of, &retry_rule::of);
}

retry_class class_of_answer(errc code) noexcept {
  switch (code) {
    case errc::unavailable:
      return retry_class::never_ran;
    case errc::not_found:
      return retry_class::not_loaded;
    case errc::worker_lost:
      return retry_class::lost;
    case errc::internal:
      return retry_class::engine_fault;
    default:
      return retry_class::settled;
  }
}

retry_class class_of(const attempt_failure& failure) {
  switch (failure.how) {
    case attempt_end::refused:
    case attempt_end::unsent:
      return retry_class::never_ran;
    case attempt_end::link_lost:
    case attempt_end::engine_lost:
      return retry_class::lost;
    case attempt_end::suspect:
      return retry_class::suspect;
    case attempt_end::hung_suspect:
      return retry_class::hung;
    case attempt_end::answered:
      break;
  }
  return class_of_answer(failure.code);
}

bool is_confirmed_death(attempt_end how) {
  return how == attempt_end::engine_lost || is_suspect(how);
}

retry_decision end(errc code, std::string message) {
  return {action::end, duration{0}, false, {code, std::move(message), 0}};
}

duration drawn(const retry_limits& limits, double draw) {
  return std::chrono::duration_cast<duration>(limits.spread * draw);
}

retry_decision after_refusal(const retry_limits& limits, const tried_request& request,
                             double draw) {
  if (request.refusals > limits.refusals)
    return {action::end, duration{0}, false, {errc::overloaded, "Every engine was full.", 10}};
  if (request.refusals > limits.prompt_refusals)
    return {action::pause, drawn(limits, draw), false, {}};
  return {};
}

/// Why there is no further attempt whatever the class allows; none: there may be one.
std::optional<retry_decision> forbidden(const tried_request& request,
                                        const attempt_failure& failure) {
  if (request.ran_alone && is_suspect(failure.how))
    return end(errc::poison,
               "The request ended its engine, and a second one alone: " + failure.reason);
  if (failure.how != attempt_end::answered && request.at_most_once)
    return end(errc::unknown_outcome,
               "The engine was lost during the only attempt: " + failure.reason);
  return std::nullopt;
}

retry_decision spent(const tried_request& request, const attempt_failure& failure) {
  if (failure.how == attempt_end::answered) return end(failure.code, failure.reason);
  return end(errc::worker_lost,
             std::to_string(request.attempts) +
                 " engines were lost under this request; the last: " + failure.reason);
}

}  // namespace

retry_decision decide(const retry_limits& limits, const tried_request& request,
                      const attempt_failure& failure, double draw) {
  const auto& rule = rule_of(class_of(failure));
  if (rule.of == retry_class::never_ran) return after_refusal(limits, request, draw);
  if (auto ended = forbidden(request, failure)) return *ended;
  const bool answered_once = failure.how == attempt_end::answered && request.at_most_once;
  if (request.attempts > rule.more || answered_once) return spent(request, failure);
  if (rule.needs_time && request.time_left < request.usual_time)
    return end(errc::deadline,
               "Too little time is left for another attempt; the last: " + failure.reason);
  const bool first = request.attempts <= 1;
  retry_decision made;
  made.charged = rule.charged && !(first && is_confirmed_death(failure.how));
  if (rule.alone)
    made.what = action::alone;
  else if (!first)
    made.what = action::pause, made.wait = drawn(limits, draw);
  return made;
}

bool is_settled(errc answer) noexcept { return class_of_answer(answer) == retry_class::settled; }

retry_decision without_budget(const retry_limits& limits, const attempt_failure& failure) {
  if (failure.how == attempt_end::answered) return end(failure.code, failure.reason);
  auto owed = end(errc::worker_lost,
                  "Too many requests of this model are tried again already; the attempt ended: " +
                      failure.reason);
  owed.what = action::owe;
  owed.wait = limits.budget_patience;
  return owed;
}

}  // namespace coppice::gateway
