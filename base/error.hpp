#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice {

/// Every failure a client can see. The wire carries `code_name(code)`.
enum class errc : std::uint8_t {
  invalid,
  unauthenticated,
  forbidden,
  not_found,
  quota,
  overloaded,
  unavailable,
  deadline,
  cancelled,
  worker_lost,
  poison,
  model_error,
  key_reused,
  unknown_outcome,
  resume_expired,
  internal,
};

/// One row of the table of error codes (docs/protocol.md shows the same table).
struct errc_row {
  errc code;
  std::string_view name;
  std::string_view sentence;
  int http_status;
  bool retryable;
};

/// The row of `code`.
[[nodiscard]] const errc_row& describe(errc code) noexcept;

/// The wire name of `code`, for example "not_found".
[[nodiscard]] std::string_view code_name(errc code) noexcept;

/// The code with that wire name; `errc::internal` for a name this build does not know.
[[nodiscard]] errc code_from_name(std::string_view name) noexcept;

/// A failure: one code and one sentence that names the cause, made where it is first known.
struct error {
  errc code = errc::internal;
  std::string message;
  /// Milliseconds after which a retry may succeed; 0 where nothing is known.
  std::uint32_t retry_after_ms = 0;

  friend bool operator==(const error&, const error&) = default;
};

template <class T>
using expected = tl::expected<T, error>;

/// `return fail(errc::invalid, "...")` from any function that returns `expected<T>`.
[[nodiscard]] inline tl::unexpected<error> fail(errc code, std::string message,
                                                std::uint32_t retry_after_ms = 0) {
  return tl::unexpected<error>(error{code, std::move(message), retry_after_ms});
}

}  // namespace coppice
