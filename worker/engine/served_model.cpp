#include "worker/engine/served_model.hpp"

#include "proto/limits.hpp"

#include <algorithm>

namespace coppice::worker {

bool runs_in_line(const model_spec& spec) {
  return spec.backend == backend_kind::builtin &&
         (spec.builtin == "echo" || spec.builtin == "flip");
}

std::size_t instance_count(const model_spec& spec) {
  return runs_in_line(spec) || spec.streams() ? 1 : spec.instances;
}

duration time_left(const proto::link_request& request) {
  constexpr auto longest = 1000ull * proto::max_timeout_ms;
  return std::chrono::microseconds{std::min<std::uint64_t>(request.timeout_us, longest)};
}

}  // namespace coppice::worker
