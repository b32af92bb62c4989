#include "worker/engine/step.hpp"

#include "worker/engine/step_mark.hpp"

namespace coppice::worker {

namespace {

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
  const auto id_of = [&](std::size_t i) { return running.attempts[i].id; };
  const step_mark mark{running.attempts.size(), id_of, page};
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
