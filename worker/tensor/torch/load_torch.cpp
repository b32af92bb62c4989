#include "worker/model/model.hpp"
#include "worker/tensor/torch/aotinductor_model.hpp"
#include "worker/tensor/torch/torch_failure.hpp"
#include "worker/tensor/torch/torchscript_model.hpp"

#include <ATen/Context.h>
#include <c10/core/Device.h>

namespace coppice::worker {

namespace {

expected<c10::Device> parse_device(const std::string& name) try {
  const c10::Device device{name};
  if (device.is_cpu()) return device;
  if (device.is_cuda() && at::hasCUDA()) return device;
  return fail(errc::invalid,
              "Device '" + name +
                  "' cannot be used: this libtorch was built without "
                  "it. Use cpu, or set COPPICE_LIBTORCH to a libtorch with CUDA and build again.");
} catch (const std::exception&) {
  return fail(errc::invalid, "'" + name + "' is no device. Use cpu, cpu:N or cuda:N.");
}

}  // namespace

std::string torch_failure(const std::exception& failure) {
  std::string text = failure.what();
  const auto trace = text.find("Exception raised from");
  if (trace != std::string::npos) text.erase(trace);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const bool traceback = text.find("Traceback of TorchScript") != std::string::npos;
  const auto cut = traceback ? text.rfind('\n') : text.find('\n');
  if (cut == std::string::npos) return text;
  return traceback ? text.substr(cut + 1) : text.substr(0, cut);
}

expected<std::unique_ptr<model>> load_torch(const model_spec& spec, const std::string& device) {
  const auto chosen = parse_device(device);
  if (!chosen) return tl::unexpected(chosen.error());
  for (const auto* rules : {&spec.inputs, &spec.outputs})
    for (const auto& rule : *rules)
      if (rule.spec.datatype == "BYTES")
        return fail(errc::invalid,
                    "'" + rule.spec.name + "' is BYTES, which libtorch has no tensor for.");
  return spec.backend == backend_kind::aotinductor ? load_aotinductor(spec, *chosen)
                                                   : load_torchscript(spec, *chosen);
}

}  // namespace coppice::worker
