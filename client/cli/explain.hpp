#pragma once

#include "proto/messages/explanation.hpp"

#include <string>

namespace coppice::cli {

/// The explanation as text: what came of it, then a time line, one line a hop.
std::string as_text(const proto::explanation& told);

/// The same as JSON.
std::string as_json(const proto::explanation& told);

}  // namespace coppice::cli
