#pragma once

#include "base/error.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace coppice {

/// How much is written: a line is written if its level is at least the configured one.
enum class log_level { debug, info, warn, error };

/// One key=value of a log line.
struct log_field {
  std::string_view key;
  std::string value;
};

template <class T>
log_field kv(std::string_view key, const T& value) {
  return {key, fmt::format("{}", value)};
}

/// Sets up the process's log: standard error, one JSON object a line (text on a terminal).
/// @param process  name that stands in every line, for example "gateway-1".
void start_log(std::string_view process, log_level level);

/// The level of that name: debug, info, warn or error. @error `invalid`.
[[nodiscard]] expected<log_level> log_level_from_name(std::string_view name);

/// Whether a line of that level would be written: asked before fields that cost something.
[[nodiscard]] bool log_enabled(log_level level);

/// Writes one event. Any thread; never throws; a full disk drops the line.
void log(log_level level, std::string_view event, std::initializer_list<log_field> fields = {});

}  // namespace coppice
