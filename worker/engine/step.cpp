#include "worker/engine/step.hpp"

#include <algorithm>

namespace coppice::worker {

namespace {

/// Shows the attempts of a step to the worker while it lives, and learns what it took.
class step_mark {
 public:
  step_mark(std::span<const attempt> running, step_size size, step_lane& lane)
      : lane_{lane}, size_{size}, began_{now()} {
    auto& page = *lane_.page;
    const auto n = std::min(running.size(), progress_page::max_step_attempts);
    for (std::size_t i = 0; i < n; ++i)
      page.attempts[i].store(running[i].id.value, std::memory_order_relaxed);
    page.attempt_count.store(static_cast<std::uint32_t>(n), std::memory_order_relaxed);
    page.limit_us.store(to_us(lane_.limits.limit(size_)), std::memory_order_relaxed);
    page.ticks.fetch_add(1, std::memory_order_release);
  }
  ~step_mark() {
    lane_.page->ticks.fetch_add(1, std::memory_order_release);
    lane_.limits.record(size_, now() - began_);
  }
  step_mark(const step_mark&) = delete;
  step_mark& operator=(const step_mark&) = delete;

 private:
  step_lane& lane_;
  step_size size_;
  steady_time began_;
};

expected<std::vector<item_outputs>> run_guarded(model& instance,
                                                std::span<const batch_item> items) try {
  auto outputs = instance.run(items);
  if (outputs && outputs->size() != items.size())
    return fail(errc::model_error, "The model gave another number of results than it got items.");
  return outputs;
} catch (const std::exception& failure) {
  return fail(errc::model_error, failure.what());
}

expected<item_outputs> run_alone(model& instance, const batch_item& item, const attempt& of,
                                 step_lane& lane) {
  if (now() >= of.deadline)
    return fail(errc::deadline, "The deadline passed while the batch was run again item by item.");
  const step_mark mark{{&of, 1}, size_of({&item, 1}), lane};
  auto one = run_guarded(instance, {&item, 1});
  if (!one) return tl::unexpected(one.error());
  return std::move(one->front());
}

expected<std::vector<item_outputs>> run_together(model& instance, const batch& running,
                                                 std::span<const batch_item> items,
                                                 step_lane& lane) {
  const step_mark mark{running.attempts, size_of(items), lane};
  return run_guarded(instance, items);
}

}  // namespace

finished_batch run_step(model& instance, batch&& running, step_lane& lane) {
  finished_batch done;
  done.began = now();
  std::vector<batch_item> items;
  items.reserve(running.attempts.size());
  for (auto& attempt : running.attempts) items.push_back(std::move(attempt.item));
  if (auto all = run_together(instance, running, items, lane)) {
    for (auto& each : *all) done.results.emplace_back(std::move(each));
  } else if (items.size() == 1) {
    done.results.emplace_back(tl::unexpected(all.error()));
  } else {
    for (std::size_t i = 0; i < items.size(); ++i)
      done.results.push_back(run_alone(instance, items[i], running.attempts[i], lane));
  }
  done.ran = std::move(running);
  done.took = now() - done.began;
  return done;
}

}  // namespace coppice::worker
