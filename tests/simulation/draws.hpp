#pragma once

#include "base/clock.hpp"

#include <bit>
#include <cstdint>

namespace coppice::simulation {

/// Random draws from a seed, the same on every machine: no draw goes through the standard library's
/// distributions or libm. xoshiro256**, seeded by splitmix64.
class draws {
 public:
  explicit draws(std::uint64_t seed) {
    for (auto& word : state_) word = mixed(seed += 0x9E3779B97F4A7C15ull);
  }

  /// An independent stream, named by `salt`: draws from one do not shift those of another.
  [[nodiscard]] draws fork(std::uint64_t salt) const { return draws{mixed(state_[0] ^ salt)}; }

  std::uint64_t bits() {
    const auto out = std::rotl(state_[1] * 5, 7) * 9;
    const auto shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return out;
  }
  /// Never 0: for ids.
  std::uint64_t id() { return bits() | 1; }
  /// Uniform in [0, n); 0 if n is 0.
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<wide>(bits()) * n) >> 64);
  }
  /// Uniform in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  duration between(duration low, duration high) {
    return duration{between(low.count(), high.count())};
  }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  bool chance(double p) { return unit() < p; }
  /// As likely in each octave between the two: for sizes that span orders of magnitude.
  duration spread(duration low, duration high) {
    auto octaves = std::uint64_t{0};
    for (auto at = low; 2 * at <= high; at *= 2) ++octaves;
    const auto floor = low.count() << below(octaves + 1);
    return duration{std::min(high.count(), between(floor, 2 * floor))};
  }
  /// Nearly exponential with that mean: log2 is linear within an octave here.
  duration around(duration mean) {
    const auto word = bits() | 1;
    const auto zeros = std::countl_zero(word);
    const auto rest = static_cast<double>((word << zeros) << 1) * 0x1p-64;
    constexpr double mean_of_sum = 1.5;
    return duration{static_cast<duration::rep>(static_cast<double>(mean.count()) / mean_of_sum *
                                               (static_cast<double>(zeros) + 1 - rest))};
  }

 private:
  __extension__ using wide = unsigned __int128;
  static constexpr std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }

  std::uint64_t state_[4];
};

}  // namespace coppice::simulation
