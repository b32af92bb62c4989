#pragma once

#include "base/error.hpp"
#include "worker/engine/attempt.hpp"
#include "worker/engine/finished_queue.hpp"
#include "worker/engine/token_step.hpp"

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace coppice::worker {

/// One instance of a model and the thread that loads and runs it. The owner gives it one step at a
/// time and gets it back through the queue.
template <class Next, class Done>
class instance_thread {
 public:
  /// What a loaded instance does with a step.
  using runner = std::function<Done(Next&&)>;
  /// Called on the thread.
  using loader = std::function<expected<runner>()>;

  /// @param instance  its number, for the queue. @param finished  outlives the thread.
  instance_thread(std::size_t instance, loader load, finished_queue<Done>& finished)
      : instance_{instance}, load_{std::move(load)}, finished_{finished}, thread_{[this] {
          run();
        }} {}
  /// Waits for the step that runs.
  ~instance_thread() {
    {
      const std::lock_guard lock{mutex_};
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  instance_thread(const instance_thread&) = delete;
  instance_thread& operator=(const instance_thread&) = delete;

  /// Blocks until the instance is loaded. @error what loading said.
  expected<void> wait_ready() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return ready_.has_value(); });
    return *ready_;
  }

  /// The step before has come back.
  void start(Next&& next) {
    {
      const std::lock_guard lock{mutex_};
      next_ = std::move(next);
    }
    changed_.notify_all();
  }

 private:
  void run() {
    auto loaded = load_();
    std::unique_lock lock{mutex_};
    ready_ = loaded ? expected<void>{} : tl::unexpected(loaded.error());
    changed_.notify_all();
    while (loaded) {
      changed_.wait(lock, [this] { return stop_ || next_; });
      if (!next_) return;
      auto running = std::move(*next_);
      next_.reset();
      lock.unlock();
      finished_.push(instance_, (*loaded)(std::move(running)));
      lock.lock();
    }
  }

  std::size_t instance_;
  loader load_;
  finished_queue<Done>& finished_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<expected<void>> ready_;
  std::optional<Next> next_;
  bool stop_ = false;
  std::thread thread_;
};

using batch_thread = instance_thread<batch, finished_batch>;
using token_thread = instance_thread<token_step, finished_step>;

}  // namespace coppice::worker
