#pragma once

#include "base/ids.hpp"

namespace coppice::gateway {

/// A tenant as one gateway knows it: a number of its tenant book, never given twice.
using tenant_id = strong_id<struct tenant_tag>;

}  // namespace coppice::gateway
