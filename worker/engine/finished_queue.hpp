#pragma once

#include "worker/engine/wakeup.hpp"

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace coppice::worker {

/// Where instance threads leave what has run; the link thread takes it and is woken once for many.
template <class Done>
class finished_queue {
 public:
  struct entry {
    std::size_t instance;
    Done done;
  };

  void push(std::size_t instance, Done&& done) {
    const std::lock_guard lock{mutex_};
    const bool first = entries_.empty();
    entries_.push_back({instance, std::move(done)});
    if (first) wake_.ring();
  }

  [[nodiscard]] std::vector<entry> take() {
    std::vector<entry> taken;
    const std::lock_guard lock{mutex_};
    if (!entries_.empty()) wake_.clear();
    taken.swap(entries_);
    return taken;
  }

  [[nodiscard]] int fd() const noexcept { return wake_.fd(); }

 private:
  std::mutex mutex_;
  std::vector<entry> entries_;
  wakeup wake_;
};

}  // namespace coppice::worker
