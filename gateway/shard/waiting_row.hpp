#pragma once

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "gateway/admission/priority.hpp"
#include "gateway/admission/tenant_id.hpp"

#include <cstdint>

namespace coppice::gateway {

/// A row without credit. Class, tenant, deadline and row name it.
struct waiting_row {
  priority rank = priority::normal;
  tenant_id tenant;
  /// The tenant's weight, from 1.
  std::uint32_t weight = 1;
  steady_time deadline;
  row_id row;
  /// Rows of credit it needs.
  std::uint32_t cost = 1;
  /// When it began to wait.
  steady_time since;
};

}  // namespace coppice::gateway
