#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::proto {

/// Pulls msgpack values from bytes it does not own. Total: any bytes give a value or a failure,
/// no step allocates, and work is linear in the bytes read. After the first failure every call
/// returns false and `failure()` says why.
class reader {
 public:
  explicit reader(std::string_view bytes) noexcept : bytes_{bytes} {}

  [[nodiscard]] bool read(bool& out);
  [[nodiscard]] bool read(std::uint64_t& out);
  [[nodiscard]] bool read(std::int64_t& out);
  /// Any msgpack number.
  [[nodiscard]] bool read(double& out);
  /// A str or bin; points into the bytes.
  [[nodiscard]] bool read(std::string_view& out);
  /// Number of entries of a map / elements of an array; never more than the bytes left can hold.
  [[nodiscard]] bool open_map(std::uint32_t& entries);
  [[nodiscard]] bool open_array(std::uint32_t& elements);
  /// Steps over one value of any type; `out` is the bytes it took.
  [[nodiscard]] bool skip(std::string_view& out);

  [[nodiscard]] bool next_is_nil() const noexcept;
  [[nodiscard]] bool next_is_array() const noexcept;
  [[nodiscard]] bool next_is_map() const noexcept;
  [[nodiscard]] bool next_is_bin() const noexcept;
  [[nodiscard]] bool next_is_string() const noexcept;
  [[nodiscard]] bool next_is_bool() const noexcept;
  [[nodiscard]] bool next_is_integer() const noexcept;

  [[nodiscard]] bool at_end() const noexcept { return at_ == bytes_.size(); }
  [[nodiscard]] bool failed() const noexcept { return !failure_.empty(); }
  [[nodiscard]] std::string_view failure() const noexcept { return failure_; }
  /// Fails for a reason of the caller's; the text must outlive the reader.
  bool fail_with(std::string_view reason) noexcept;
  /// Nesting: false beyond `max_depth`. Pair every true with `leave`.
  [[nodiscard]] bool enter() noexcept;
  void leave() noexcept { --depth_; }

  /// Decoder steps so far: values, skips and key comparisons. Tests bound it per byte.
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
  void count_steps(std::uint64_t n) noexcept { steps_ += n; }

 private:
  [[nodiscard]] int peek() const noexcept;
  [[nodiscard]] bool take(std::size_t n, std::string_view& out) noexcept;
  [[nodiscard]] bool big_endian(std::size_t width, std::uint64_t& out) noexcept;
  [[nodiscard]] bool open(std::uint8_t fix, std::uint8_t fix_mask, std::uint8_t code16,
                          std::size_t bytes_each, std::string_view what, std::uint32_t& out);
  [[nodiscard]] bool skip_one(std::uint64_t& pending);

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::uint64_t steps_ = 0;
  std::string_view failure_;
};

}  // namespace coppice::proto
