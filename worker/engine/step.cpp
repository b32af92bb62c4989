#include "worker/engine/step.hpp"

#include "worker/engine/step_mark.hpp"

namespace coppice::worker {

namespace {

/// A step on the page, from which its lane learns what such steps take.
class learned_step {
 public:
  learned_step(std::span<const attempt> running, step_size size, step_lane& lane)
      : lane_{lane},
        size_{size},
        began_{now()},
        mark_{running.size(), [&](std::size_t i) { return running[i].id; }, *lane.page,
              lane.limits.limit(size)} {}
  ~learned_step() { lane_.limits.record(size_, now() - began_); }
  learned_step(const learned_step&) = delete;
  learned_step& operator=(const learned_step&) = delete;

 private:
  step_lane& lane_;
  step_size size_;
  steady_time began_;
  step_mark mark_;
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
  const learned_step mark{{&of, 1}, size_of({&item, 1}), lane};
  auto one = run_guarded(instance, {&item, 1});
  if (!one) return tl::unexpected(one.error());
  return std::move(one->front());
}

expected<std::vector<item_outputs>> run_together(model& instance, const batch& running,
                                                 std::span<const batch_item> items,
                                                 step_lane& lane) {
  const learned_step mark{running.attempts, size_of(items), lane};
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
