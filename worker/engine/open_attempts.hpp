#pragma once

#include <cstddef>
#include <cstdint>

namespace coppice::worker {

/// Attempts that an engine has accepted and not yet answered, over all its models, and the bytes of
/// their inputs, which have a limit.
class open_attempts {
 public:
  explicit open_attempts(std::size_t max_bytes) : max_bytes_{max_bytes} {}

  [[nodiscard]] bool fits(std::size_t bytes) const noexcept { return bytes_ + bytes <= max_bytes_; }
  void open(std::size_t bytes, bool alone) noexcept {
    bytes_ += bytes;
    ++count_;
    suspects_ += alone ? 1 : 0;
  }
  void close(std::size_t bytes, bool alone) noexcept {
    bytes_ -= bytes;
    --count_;
    suspects_ -= alone ? 1 : 0;
  }

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  /// How many of them run alone.
  [[nodiscard]] std::uint32_t suspects() const noexcept { return suspects_; }

 private:
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t suspects_ = 0;
};

}  // namespace coppice::worker
