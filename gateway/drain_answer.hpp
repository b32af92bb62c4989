#pragma once

#include "proto/messages/control.hpp"

#include <vector>

namespace coppice::gateway {

/// One answer from those of several schedulers: of those that know the target, the ones that are
/// furthest from what the order wants, with all they wait for. `answers` must not be empty.
[[nodiscard]] proto::drain_status drain_answer(const proto::drain_order& order,
                                               const std::vector<proto::drain_status>& answers);

}  // namespace coppice::gateway
