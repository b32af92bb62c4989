#include "actors/serve_metrics.hpp"

#include "actors/system.hpp"
#include "base/build_info.hpp"

namespace coppice::actors {

expected<std::string> serve_metrics(metrics& registry, const std::string& endpoint) try {
  const auto where = split_endpoint(endpoint);
  if (!where) return tl::unexpected(where.error());
  registry
      .gauge("coppice_build_info", "1, with the version of this build.",
             {{"version", std::string{build_version()}}})
      .Set(1);
  return registry.serve(where->first, where->second) + "/metrics";
} catch (const std::exception& failure) {
  return fail(errc::unavailable, "Metrics cannot listen on " + endpoint + ": " + failure.what());
}

}  // namespace coppice::actors
