#include "worker/tensor/torch/torchscript_model.hpp"

#include "worker/tensor/torch/batch_tensors.hpp"
#include "worker/tensor/torch/torch_failure.hpp"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

namespace coppice::worker {

namespace {

/// The module that holds an attribute path's last name: `_model._state` gives `_model`.
torch::jit::Module holder_of(torch::jit::Module module, const std::string& path,
                             std::string& name) {
  std::size_t begin = 0;
  for (auto dot = path.find('.'); dot != std::string::npos; dot = path.find('.', begin)) {
    module = module.attr(path.substr(begin, dot - begin)).toModule();
    begin = dot + 1;
  }
  name = path.substr(begin);
  return module;
}

void set_attribute(const torch::jit::Module& root, const std::string& path,
                   const c10::IValue& value) {
  std::string name;
  holder_of(root, path, name).setattr(name, value);
}

at::Tensor get_attribute(const torch::jit::Module& root, const std::string& path) {
  std::string name;
  const auto holder = holder_of(root, path, name);
  return holder.attr(name).toTensor();
}

class torchscript_model : public model {
 public:
  torchscript_model(const model_spec& spec, c10::Device device)
      : spec_{spec}, device_{device}, module_{torch::jit::load(spec.file.string(), device)} {
    module_.eval();
    at::set_num_threads(static_cast<int>(spec.threads));
    if (!is_stateful()) freeze();
  }

  expected<std::vector<item_outputs>> run(std::span<const batch_item> batch) override try {
    const c10::InferenceMode inference;
    auto outputs = forward(batch);
    if (!outputs) return tl::unexpected(outputs.error());
    return split(spec_, batch, *outputs);
  } catch (const std::exception& failure) {
    return fail(errc::model_error, torch_failure(failure));
  }

 private:
  /// Folds constants and batch norms into the graph. A module that cannot be frozen runs as it is.
  void freeze() try { module_ = torch::jit::freeze(module_); } catch (const std::exception&) {
  }

  [[nodiscard]] bool is_stateful() const {
    bool found = !spec_.attributes.empty();
    for (const auto& rule : spec_.inputs) found = found || !rule.attribute.empty();
    for (const auto& rule : spec_.outputs) found = found || !rule.attribute.empty();
    return found;
  }

  expected<std::vector<at::Tensor>> forward(std::span<const batch_item> batch) {
    std::vector<c10::IValue> arguments;
    set_constants();
    for (std::size_t i = 0; i < spec_.inputs.size(); ++i) {
      auto tensor = assemble(spec_, batch, i).to(device_);
      const auto& path = spec_.inputs[i].attribute;
      if (path.empty())
        arguments.push_back(as_argument(tensor, arguments.size()));
      else
        set_attribute(module_, path, std::move(tensor));
    }
    return collect(module_.forward(std::move(arguments)));
  }

  /// The tensor, or a plain number where `forward` takes one.
  [[nodiscard]] c10::IValue as_argument(const at::Tensor& tensor, std::size_t index) const {
    const auto& wanted = module_.get_method("forward").function().getSchema().arguments();
    if (index + 1 >= wanted.size() || tensor.dim() != 0) return tensor;
    switch (wanted[index + 1].type()->kind()) {
      case c10::TypeKind::IntType:
        return tensor.item().toLong();
      case c10::TypeKind::FloatType:
        return tensor.item().toDouble();
      case c10::TypeKind::BoolType:
        return tensor.item().toBool();
      default:
        return tensor;
    }
  }

  /// Each constant takes the type that the attribute has.
  void set_constants() {
    for (const auto& [path, number] : spec_.attributes) {
      std::string name;
      auto holder = holder_of(module_, path, name);
      const auto now = holder.attr(name);
      if (now.isInt())
        holder.setattr(name, static_cast<std::int64_t>(number));
      else if (now.isBool())
        holder.setattr(name, number != 0);
      else
        holder.setattr(name, number);
    }
  }

  /// A tensor, a tuple or list in the order of the spec, or a dictionary by its names.
  expected<std::vector<at::Tensor>> collect(const c10::IValue& result) {
    std::vector<at::Tensor> outputs;
    std::size_t next = 0;
    for (const auto& rule : spec_.outputs) {
      if (!rule.attribute.empty()) {
        outputs.push_back(get_attribute(module_, rule.attribute));
      } else {
        auto tensor = pick(result, rule.spec.name, next++);
        if (!tensor) return tl::unexpected(tensor.error());
        outputs.push_back(std::move(*tensor));
      }
      // A copy: an attribute's tensor may be written by the next step.
      const bool shared = !rule.attribute.empty();
      outputs.back() = outputs.back().to(at::kCPU).contiguous();
      if (shared) outputs.back() = outputs.back().clone();
    }
    return outputs;
  }

  static expected<at::Tensor> pick(const c10::IValue& result, const std::string& name,
                                   std::size_t index) {
    if (result.isTensor() && index == 0) return result.toTensor();
    if (result.isTuple() && index < result.toTupleRef().elements().size())
      return result.toTupleRef().elements()[index].toTensor();
    if (result.isTensorList() && index < result.toTensorList().size())
      return result.toTensorList().get(index);
    if (result.isGenericDict()) {
      const auto found = result.toGenericDict().find(name);
      if (found != result.toGenericDict().end()) return found->value().toTensor();
    }
    return fail(errc::model_error, "The model's result has no output '" + name + "'.");
  }

  model_spec spec_;
  c10::Device device_;
  torch::jit::Module module_;
};

}  // namespace

expected<std::unique_ptr<model>> load_torchscript(const model_spec& spec, c10::Device device) try {
  return std::make_unique<torchscript_model>(spec, device);
} catch (const std::exception& failure) {
  return fail(errc::invalid, spec.file.string() + ": " + torch_failure(failure));
}

}  // namespace coppice::worker
