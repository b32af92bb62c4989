#pragma once

#include "tests/simulation/scenario.hpp"

namespace coppice::simulation {

class world;

void begin_fault(world& all, const fault_plan& it);
/// Nothing for faults that are over at once, such as kills.
void end_fault(world& all, const fault_plan& it);

}  // namespace coppice::simulation
