#include "proto/codec/reader.hpp"

#include "proto/limits.hpp"

#include <bit>
#include <limits>

namespace coppice::proto {

namespace {

constexpr std::string_view truncated = "the bytes end inside a value";

// First bytes of msgpack values (https://github.com/msgpack/msgpack/blob/master/spec.md).
constexpr int nil = 0xc0, no = 0xc2, yes = 0xc3;
constexpr int bin8 = 0xc4, bin32 = 0xc6, ext8 = 0xc7, ext32 = 0xc9;
constexpr int float32 = 0xca, float64 = 0xcb, uint8 = 0xcc, uint64 = 0xcf;
constexpr int int8 = 0xd0, int64 = 0xd3, fixext1 = 0xd4, fixext16 = 0xd8;
constexpr int str8 = 0xd9, str32 = 0xdb, array16 = 0xdc, map16 = 0xde;

constexpr bool between(int x, int low, int high) { return x >= low && x <= high; }
constexpr bool is_fixstr(int c) { return between(c, 0xa0, 0xbf); }
constexpr bool is_fixarray(int c) { return between(c, 0x90, 0x9f); }
constexpr bool is_fixmap(int c) { return between(c, 0x80, 0x8f); }

std::int64_t sign_extend(std::uint64_t value, std::size_t width) {
  const auto shift = 64 - 8 * width;
  return static_cast<std::int64_t>(value << shift) >> shift;
}

}  // namespace

int reader::peek() const noexcept {
  return failed() || at_end() ? -1 : static_cast<unsigned char>(bytes_[at_]);
}

bool reader::fail_with(std::string_view reason) noexcept {
  if (!failed()) failure_ = reason;
  return false;
}

bool reader::enter() noexcept {
  if (depth_ >= max_depth) return fail_with("values are nested too deeply");
  ++depth_;
  return true;
}

bool reader::take(std::size_t n, std::string_view& out) noexcept {
  if (failed()) return false;
  if (bytes_.size() - at_ < n) return fail_with(truncated);
  out = bytes_.substr(at_, n);
  at_ += n;
  return true;
}

bool reader::big_endian(std::size_t width, std::uint64_t& out) noexcept {
  std::string_view raw;
  if (!take(width, raw)) return false;
  out = 0;
  for (const char c : raw) out = (out << 8) | static_cast<unsigned char>(c);
  return true;
}

bool reader::next_is_nil() const noexcept { return peek() == nil; }
bool reader::next_is_array() const noexcept {
  return is_fixarray(peek()) || between(peek(), array16, array16 + 1);
}
bool reader::next_is_map() const noexcept {
  return is_fixmap(peek()) || between(peek(), map16, map16 + 1);
}
bool reader::next_is_bin() const noexcept { return between(peek(), bin8, bin32); }
bool reader::next_is_string() const noexcept {
  return is_fixstr(peek()) || between(peek(), str8, str32);
}
bool reader::next_is_bool() const noexcept { return between(peek(), no, yes); }
bool reader::next_is_integer() const noexcept {
  const int c = peek();
  return between(c, 0x00, 0x7f) || between(c, 0xe0, 0xff) || between(c, uint8, int64);
}

bool reader::read(bool& out) {
  ++steps_;
  const int c = peek();
  if (c != no && c != yes) return fail_with(c < 0 ? truncated : "must be a boolean");
  ++at_;
  out = c == yes;
  return true;
}

bool reader::read(std::uint64_t& out) {
  ++steps_;
  const int c = peek();
  if (c < 0) return fail_with(truncated);
  if (!next_is_integer()) return fail_with("must be an integer");
  ++at_;
  if (c <= 0x7f) return out = static_cast<std::uint64_t>(c), true;
  if (between(c, uint8, uint64)) return big_endian(std::size_t{1} << (c - uint8), out);
  const auto width = c >= 0xe0 ? 0u : 1u << (c - int8);
  std::uint64_t raw = 0;
  if (width == 0) return fail_with("must not be negative");
  if (!big_endian(width, raw)) return false;
  if (sign_extend(raw, width) < 0) return fail_with("must not be negative");
  out = raw;
  return true;
}

bool reader::read(std::int64_t& out) {
  const int c = peek();
  if (c >= 0xe0) {
    ++steps_;
    ++at_;
    return out = c - 0x100, true;
  }
  std::uint64_t raw = 0;
  if (between(c, int8, int64)) {
    ++steps_;
    ++at_;
    const auto width = std::size_t{1} << (c - int8);
    if (!big_endian(width, raw)) return false;
    return out = sign_extend(raw, width), true;
  }
  if (!read(raw)) return false;
  if (raw > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return fail_with("is too large");
  out = static_cast<std::int64_t>(raw);
  return true;
}

bool reader::read(double& out) {
  const int c = peek();
  if (c == float32 || c == float64) {
    ++steps_;
    ++at_;
    std::uint64_t raw = 0;
    if (!big_endian(c == float32 ? 4 : 8, raw)) return false;
    out = c == float32 ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(raw)))
                       : std::bit_cast<double>(raw);
    return true;
  }
  if (c >= 0 && !next_is_integer()) return fail_with("must be a number");
  if (c == uint64) {
    std::uint64_t whole = 0;
    if (!read(whole)) return false;
    return out = static_cast<double>(whole), true;
  }
  std::int64_t whole = 0;
  if (!read(whole)) return false;
  out = static_cast<double>(whole);
  return true;
}

bool reader::read(std::string_view& out) {
  ++steps_;
  const int c = peek();
  if (c < 0) return fail_with(truncated);
  if (!next_is_string() && !next_is_bin()) return fail_with("must be a string");
  ++at_;
  if (is_fixstr(c)) return take(static_cast<std::size_t>(c & 0x1f), out);
  const int base = between(c, bin8, bin32) ? bin8 : str8;
  std::uint64_t size = 0;
  return big_endian(std::size_t{1} << (c - base), size) && take(size, out);
}

bool reader::open(std::uint8_t fix, std::uint8_t fix_mask, std::uint8_t code16,
                  std::size_t bytes_each, std::string_view what, std::uint32_t& out) {
  ++steps_;
  const int c = peek();
  if (c < 0) return fail_with(truncated);
  std::uint64_t n = 0;
  if ((c & ~fix_mask & 0xff) == fix) {
    ++at_;
    n = static_cast<std::uint64_t>(c & fix_mask);
  } else if (c == code16 || c == code16 + 1) {
    ++at_;
    if (!big_endian(c == code16 ? 2 : 4, n)) return false;
  } else {
    return fail_with(what);
  }
  if (n > (bytes_.size() - at_) / bytes_each) return fail_with(truncated);
  out = static_cast<std::uint32_t>(n);
  return true;
}

bool reader::open_map(std::uint32_t& entries) {
  return open(0x80, 0x0f, map16, 2, "must be a map", entries);
}

bool reader::open_array(std::uint32_t& elements) {
  return open(0x90, 0x0f, array16, 1, "must be an array", elements);
}

bool reader::skip_one(std::uint64_t& pending) {
  const int c = peek();
  std::string_view rest;
  std::uint32_t n = 0;
  if (next_is_map()) return open_map(n) && (pending += 2ull * n, true);
  if (next_is_array()) return open_array(n) && (pending += n, true);
  if (next_is_string() || next_is_bin()) return read(rest);
  ++steps_;
  if (c < 0) return fail_with(truncated);
  ++at_;
  if (c <= 0x7f || c >= 0xe0 || c == nil || c == no || c == yes) return true;
  if (c == float32) return take(4, rest);
  if (c == float64) return take(8, rest);
  if (between(c, uint8, uint64)) return take(std::size_t{1} << (c - uint8), rest);
  if (between(c, int8, int64)) return take(std::size_t{1} << (c - int8), rest);
  if (between(c, fixext1, fixext16)) return take((std::size_t{1} << (c - fixext1)) + 1, rest);
  std::uint64_t size = 0;
  if (between(c, ext8, ext32))
    return big_endian(std::size_t{1} << (c - ext8), size) && take(size + 1, rest);
  return fail_with("holds a byte that starts no value");
}

bool reader::skip(std::string_view& out) {
  const auto start = at_;
  // Containers are counted, not recursed into: depth is bounded by a stack of open counts.
  std::uint64_t open_counts[max_depth + 1] = {1};
  std::size_t level = 0;
  for (;;) {
    while (open_counts[level] == 0) {
      if (level == 0) return out = bytes_.substr(start, at_ - start), true;
      --level;
    }
    --open_counts[level];
    std::uint64_t inside = 0;
    if (!skip_one(inside)) return false;
    if (inside == 0) continue;
    if (depth_ + level >= max_depth) return fail_with("values are nested too deeply");
    open_counts[++level] = inside;
  }
}

}  // namespace coppice::proto
