#include "base/error.hpp"

#include <array>

namespace coppice {

namespace {

constexpr std::array<errc_row, 16> table{{
    {errc::invalid, "invalid", "The request is malformed or does not fit the model.", 400, false},
    {errc::unauthenticated, "unauthenticated", "The client is not known.", 401, false},
    {errc::forbidden, "forbidden", "The client may not do this.", 403, false},
    {errc::not_found, "not_found", "No such model, version or request.", 404, false},
    {errc::quota, "quota", "The tenant's quota is used up.", 429, true},
    {errc::overloaded, "overloaded", "The queue is full.", 429, true},
    {errc::unavailable, "unavailable", "No engine serves this model now.", 503, true},
    {errc::deadline, "deadline", "The deadline passed before an answer.", 504, false},
    {errc::cancelled, "cancelled", "The request was cancelled.", 499, false},
    {errc::worker_lost, "worker_lost", "Engines died under every attempt.", 502, true},
    {errc::poison, "poison", "The request killed its engine twice.", 422, false},
    {errc::model_error, "model_error", "The model raised an error for this input.", 500, false},
    {errc::key_reused, "key_reused", "The key was used with another input.", 409, false},
    {errc::unknown_outcome, "unknown_outcome", "An at-most-once attempt was lost.", 502, false},
    {errc::resume_expired, "resume_expired", "The stream can no longer be resumed.", 410, false},
    {errc::internal, "internal", "A defect in the cluster.", 500, false},
}};

}  // namespace

const errc_row& describe(errc code) noexcept { return table[static_cast<std::size_t>(code)]; }

std::string_view code_name(errc code) noexcept { return describe(code).name; }

errc code_from_name(std::string_view name) noexcept {
  for (const auto& row : table)
    if (row.name == name) return row.code;
  return errc::internal;
}

}  // namespace coppice
