#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "proto/messages/explanation.hpp"

#include <string>

namespace coppice::cli {

/// Asks the operator door what became of the request with that id or key.
/// @error `not_found` from the gateway; `unavailable` if nothing answers in time.
expected<proto::explanation> ask_explanation(const std::string& door, const std::string& target,
                                             duration limit);

/// The explanation as text: what came of it, then a time line, one line a hop.
std::string as_text(const proto::explanation& told);

/// The same as JSON.
std::string as_json(const proto::explanation& told);

}  // namespace coppice::cli
