#include "worker/model/builtin_spec.hpp"

namespace coppice::worker {

expected<model_spec> builtin_spec(const std::string& name) {
  model_spec spec;
  spec.name = name;
  spec.backend = backend_kind::builtin;
  spec.builtin = name;
  if (name == "echo" || name == "flip") {
    spec.batchable = true;
    spec.max_batch = 64;
    spec.instances = 4;
    return spec;
  }
  spec.steady = name != "sleep";
  if (name == "sleep" || name == "crash" || name == "hang") return spec;
  if (name == "count") {
    spec.inputs.push_back({{"tokens", "INT32", {-1}}, "", 0});
    spec.outputs.push_back({{"tokens", "INT32", {-1}}, "", 0});
    return spec;
  }
  return fail(errc::invalid, "No built-in model is called '" + name +
                                 "'; there are echo, sleep, crash, hang, flip and count.");
}

}  // namespace coppice::worker
