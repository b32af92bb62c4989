#pragma once

#include "base/error.hpp"
#include "proto/messages/explanation.hpp"

#include <string>
#include <vector>

namespace coppice::cli {

/// What the cluster knows of a request: the latest of what its gateways answered, an open one
/// before those that ended. @param answers  one of each gateway, at least one. @error `not_found`
/// if every gateway says so; else, as nothing was found, why one of them could not say.
[[nodiscard]] expected<proto::explanation> latest(
    std::vector<expected<proto::explanation>> answers);

/// The explanation as text: what came of it, then a time line, one line a hop.
std::string as_text(const proto::explanation& told);

/// The same as JSON.
std::string as_json(const proto::explanation& told);

}  // namespace coppice::cli
