#include "worker/tensor/torch/aotinductor_model.hpp"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include "worker/tensor/torch/batch_tensors.hpp"
#include "worker/tensor/torch/torch_failure.hpp"

namespace coppice::worker {

namespace {

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
  torch::inductor::AOTIModelPackageLoader package_;
};

}  // namespace

expected<std::unique_ptr<model>> load_aotinductor(const model_spec& spec,
                                                  c10::Device device) try {
  return std::make_unique<aotinductor_model>(spec, device);
} catch (const std::exception& failure) {
  return fail(errc::invalid, spec.file.string() + ": " + torch_failure(failure));
}

}  // namespace coppice::worker
