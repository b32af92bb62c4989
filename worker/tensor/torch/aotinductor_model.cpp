#include "worker/tensor/torch/aotinductor_model.hpp"

#include "worker/tensor/torch/batch_tensors.hpp"
#include "worker/tensor/torch/torch_failure.hpp"

#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/version.h>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

namespace coppice::worker {

namespace {

using package_loader = torch::inductor::AOTIModelPackageLoader;

/// `2.13.0+cpu` and `2.13.0` are the same libtorch to a package.
std::string release_of(const std::string& version) { return version.substr(0, version.find('+')); }

/// Why this process must not load the package; empty if nothing speaks against it. The format has
/// no field for the version: the export records it (`aot_inductor.metadata: {torch_version: ...}`),
/// or model.yml does.
std::string refusal(const model_spec& spec) {
  const auto recorded = package_loader::load_metadata_from_package(spec.file.string(), "model");
  const auto entry = recorded.find("torch_version");
  for (const auto& version : {entry != recorded.end() ? entry->second : "", spec.torch_version})
    if (!version.empty() && release_of(version) != release_of(TORCH_VERSION))
      return "it was exported by libtorch " + version +
             ", and this is libtorch " TORCH_VERSION "; export it again with this version.";
  const auto isa = recorded.find("AOTI_CPU_ISA");
  const bool wide = isa != recorded.end() && isa->second.find("AVX512") != std::string::npos;
  if (wide && !__builtin_cpu_supports("avx512f"))
    return "it was compiled for a processor with AVX512, which this one has not; export it here.";
  return {};
}

class aotinductor_model : public model {
 public:
  aotinductor_model(const model_spec& spec, c10::Device device)
      : spec_{spec}, device_{device}, package_{spec.file.string()} {
    at::set_num_threads(static_cast<int>(spec.threads));
  }

  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override try {
    const c10::InferenceMode inference;
    std::vector<at::Tensor> inputs;
    for (std::size_t i = 0; i < spec_.inputs.size(); ++i)
      inputs.push_back(assemble(spec_, batch, i).to(device_));
    auto outputs = package_.run(inputs);
    if (outputs.size() != spec_.outputs.size())
      return fail(errc::model_error, "The package gives " + std::to_string(outputs.size()) +
                                         " outputs; model.yml lists " +
                                         std::to_string(spec_.outputs.size()) + ".");
    for (auto& output : outputs) output = output.to(at::kCPU).contiguous();
    return split(spec_, batch, outputs);
  } catch (const std::exception& failure) {
    return fail(errc::model_error, torch_failure(failure));
  }

 private:
  model_spec spec_;
  c10::Device device_;
  package_loader package_;
};

}  // namespace

expected<std::unique_ptr<model>> load_aotinductor(const model_spec& spec, c10::Device device) try {
  if (const auto reason = refusal(spec); !reason.empty())
    return fail(errc::invalid, spec.file.string() + ": " + reason);
  return std::make_unique<aotinductor_model>(spec, device);
} catch (const std::exception& failure) {
  return fail(errc::invalid, spec.file.string() + ": " + torch_failure(failure));
}

}  // namespace coppice::worker
