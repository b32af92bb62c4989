#pragma once

#include <string>
#include <vector>

namespace coppice::cli::doctor {

enum class level { good, warning, problem };

/// "good", "warning" or "problem".
[[nodiscard]] constexpr const char* level_name(level of) {
  return of == level::good ? "good" : of == level::warning ? "warning" : "problem";
}

/// What one look at the machine has found.
struct finding {
  level found = level::good;
  /// What was looked at, one word: "clock".
  std::string subject;
  /// The state, or the cause of a problem; a sentence.
  std::string text;
  /// What helps; empty if nothing is wrong.
  std::string remedy = {};
};

using findings = std::vector<finding>;

}  // namespace coppice::cli::doctor
