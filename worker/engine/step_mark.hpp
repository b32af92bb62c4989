#pragma once

#include "base/clock.hpp"
#include "worker/engine/progress_page.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace coppice::worker {

/// Shows the attempts of a step to the worker while it lives.
class step_mark {
 public:
  /// @param id_of  gives the id of each of `count` attempts; the page shows the first of them.
  /// @param limit  how long such a step may take by what they took before; zero: not known.
  template <class IdOf>
  step_mark(std::size_t count, IdOf id_of, progress_page::lane& page, duration limit = {})
      : page_{page} {
    const auto shown = std::min(count, progress_page::max_step_attempts);
    for (std::size_t i = 0; i < shown; ++i)
      page_.attempts[i].store(id_of(i).value, std::memory_order_relaxed);
    page_.attempt_count.store(static_cast<std::uint32_t>(shown), std::memory_order_relaxed);
    page_.limit_us.store(to_us(limit), std::memory_order_relaxed);
    page_.ticks.fetch_add(1, std::memory_order_release);
  }
  ~step_mark() { page_.ticks.fetch_add(1, std::memory_order_release); }
  step_mark(const step_mark&) = delete;
  step_mark& operator=(const step_mark&) = delete;

 private:
  progress_page::lane& page_;
};

}  // namespace coppice::worker
