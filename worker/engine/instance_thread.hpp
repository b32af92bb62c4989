#pragma once

#include "worker/engine/step.hpp"
#include "worker/engine/wakeup.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace coppice::worker {

/// Where instance threads leave what has run; the link thread takes it and is woken once for many.
class finished_queue {
 public:
  struct entry {
    std::size_t instance;
    finished_batch done;
  };
  void push(std::size_t instance, finished_batch&& done);
  [[nodiscard]] std::vector<entry> take();
  [[nodiscard]] int fd() const noexcept { return wake_.fd(); }

 private:
  std::mutex mutex_;
  std::vector<entry> entries_;
  wakeup wake_;
};

/// One instance of a model and the thread that loads, warms up and runs it. The owner gives it one
/// batch at a time and gets it back through the queue.
class instance_thread {
 public:
  /// @param instance  its number, for the queue. `spec`, `page` and `finished` outlive it.
  instance_thread(std::size_t instance, const model_spec& spec, model_loader load,
                  std::string device, progress_page::lane& page, finished_queue& finished);
  /// Waits for the step that runs.
  ~instance_thread();
  instance_thread(const instance_thread&) = delete;
  instance_thread& operator=(const instance_thread&) = delete;

  /// Blocks until the instance is loaded and warm. @error what loading or warm-up said.
  expected<void> wait_ready();
  /// The batch before has come back.
  void start(batch&& next);

 private:
  void run();
  expected<std::unique_ptr<model>> load_and_warm_up();

  std::size_t instance_;
  const model_spec& spec_;
  model_loader load_;
  std::string device_;
  step_lane lane_;
  finished_queue& finished_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<expected<void>> ready_;
  std::optional<batch> next_;
  bool stop_ = false;
  std::thread thread_;
};

/// A batch of zeros for warm-up: `rows` rows, -1 dimensions as `warm_up_shape` says, else 1.
[[nodiscard]] batch_item warm_up_item(const model_spec& spec);

}  // namespace coppice::worker
