#include "worker/engine/token_step.hpp"

#include "worker/engine/step_mark.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace coppice::worker {

namespace {

using failed_starts = std::vector<std::pair<std::uint32_t, error>>;

expected<void> begin_guarded(sequence_model& instance, const sequence_start& start) try {
  return instance.begin(start);
} catch (const std::exception& failure) {
  return fail(errc::model_error, failure.what());
}

expected<std::vector<std::int32_t>> step_guarded(sequence_model& instance,
                                                 const std::vector<std::uint32_t>& slots) try {
  auto tokens = instance.step(slots);
  if (tokens && tokens->size() != slots.size())
    return fail(errc::model_error,
                "The model gave another number of tokens than it has sequences.");
  return tokens;
} catch (const std::exception& failure) {
  return fail(errc::model_error, failure.what());
}

failed_starts begin_all(sequence_model& instance, const std::vector<sequence_start>& starts) {
  failed_starts failed;
  for (const auto& start : starts)
    if (auto begun = begin_guarded(instance, start); !begun)
      failed.emplace_back(start.slot, begun.error());
  return failed;
}

const error* failure_of(const failed_starts& failed, std::uint32_t slot) {
  for (const auto& [failed_slot, why] : failed)
    if (failed_slot == slot) return &why;
  return nullptr;
}

/// The token of each advanced slot, or why there is none.
std::vector<expected<std::int32_t>> per_slot(const std::vector<std::uint32_t>& advances,
                                             const failed_starts& failed,
                                             const expected<std::vector<std::int32_t>>& tokens) {
  std::vector<expected<std::int32_t>> out;
  std::size_t token = 0;
  for (const auto slot : advances) {
    if (const auto* why = failure_of(failed, slot))
      out.emplace_back(tl::unexpected(*why));
    else if (!tokens)
      out.emplace_back(tl::unexpected(tokens.error()));
    else
      out.emplace_back((*tokens)[token++]);
  }
  return out;
}

}  // namespace

finished_step run_token_step(sequence_model& instance, token_step&& next,
                             progress_page::lane& page) {
  finished_step done;
  done.began = now();
  done.ran = std::move(next);
  const auto& ran = done.ran;
  const step_mark mark{ran.attempts.size(), [&](std::size_t i) { return ran.attempts[i]; }, page};
  for (const auto slot : ran.ends) instance.end(slot);
  const auto failed = begin_all(instance, ran.begins);
  auto running = ran.advances;
  std::erase_if(running, [&](std::uint32_t slot) { return failure_of(failed, slot) != nullptr; });
  expected<std::vector<std::int32_t>> tokens;
  if (!running.empty()) tokens = step_guarded(instance, running);
  done.tokens = per_slot(ran.advances, failed, tokens);
  done.took = now() - done.began;
  return done;
}

}  // namespace coppice::worker
