#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "worker/engine/progress_page.hpp"
#include "worker/engine/sequence_model.hpp"

#include <cstdint>
#include <vector>

namespace coppice::worker {

/// One step of a model that streams. In this order:
struct token_step {
  /// Slots whose sequences are over.
  std::vector<std::uint32_t> ends;
  std::vector<sequence_start> begins;
  /// Slots that get a token each, those that begin among them.
  std::vector<std::uint32_t> advances;
  /// The attempts of `advances`, in order.
  std::vector<attempt_id> attempts;
  /// It is a suspect's.
  bool alone = false;
};

/// A step that has run: a token, or why there is none, for each of `advances`, in order.
struct finished_step {
  token_step ran;
  std::vector<expected<std::int32_t>> tokens;
  steady_time began{};
  duration took{0};
};

/// Runs `next` on `instance`, the page showing its attempts while it runs. A sequence that cannot
/// begin fails alone. Foreign exceptions end here as `model_error`.
finished_step run_token_step(sequence_model& instance, token_step&& next,
                             progress_page::lane& page);

}  // namespace coppice::worker
