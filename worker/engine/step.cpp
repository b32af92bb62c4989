#include "worker/engine/step.hpp"

#include <algorithm>

namespace coppice::worker {

namespace {

/// Shows the attempts of a step to the worker while it lives.
class step_mark {
 public:
  step_mark(const batch& running, progress_page::lane& page) : page_{page} {
    const auto n = std::min(running.attempts.size(), progress_page::max_step_attempts);
    for (std::size_t i = 0; i < n; ++i)
      page_.attempts[i].store(running.attempts[i].id.value, std::memory_order_relaxed);
    page_.attempt_count.store(static_cast<std::uint32_t>(n), std::memory_order_relaxed);
    page_.ticks.fetch_add(1, std::memory_order_release);
  }
  ~step_mark() { page_.ticks.fetch_add(1, std::memory_order_release); }
  step_mark(const step_mark&) = delete;
  step_mark& operator=(const step_mark&) = delete;

 private:
  progress_page::lane& page_;
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

expected<item_outputs> run_alone(model& instance, const batch_item& item, steady_time deadline) {
  if (now() >= deadline)
    return fail(errc::deadline, "The deadline passed while the batch was run again item by item.");
  auto one = run_guarded(instance, {&item, 1});
  if (!one) return tl::unexpected(one.error());
  return std::move(one->front());
}

}  // namespace

finished_batch run_step(model& instance, batch&& running, progress_page::lane& page) {
  finished_batch done;
  done.began = now();
  const step_mark mark{running, page};
  std::vector<batch_item> items;
  items.reserve(running.attempts.size());
  for (auto& attempt : running.attempts) items.push_back(std::move(attempt.item));
  if (auto all = run_guarded(instance, items)) {
    for (auto& each : *all) done.results.emplace_back(std::move(each));
  } else if (items.size() == 1) {
    done.results.emplace_back(tl::unexpected(all.error()));
  } else {
    for (std::size_t i = 0; i < items.size(); ++i)
      done.results.push_back(run_alone(instance, items[i], running.attempts[i].deadline));
  }
  done.ran = std::move(running);
  done.took = now() - done.began;
  return done;
}

}  // namespace coppice::worker
