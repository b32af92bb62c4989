/// Bare libtorch in a loop: rows a second of a model of the repository at batch sizes 1, 2, 4, ...
/// on one thread. The baseline of the engine's figures.
///
///   bench_bare_libtorch MODELS_DIR NAME [VERSION [SECONDS]]
///
/// Prints one JSON object: {"model", "version", "batches": [{"rows", "rows_per_s"}], "best_rows",
/// "best_rows_per_s"}. Dimensions of -1 take the sizes of warm_up.

#include "worker/model/repository.hpp"
#include "worker/tensor/torch/batch_tensors.hpp"

#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>

namespace coppice::worker {

namespace {

using forward = std::function<void(const std::vector<at::Tensor>&)>;

forward load(const model_spec& spec) {
  if (spec.backend == backend_kind::aotinductor) {
    auto package = std::make_shared<torch::inductor::AOTIModelPackageLoader>(spec.file.string());
    return [package](const auto& inputs) { package->run(inputs); };
  }
  auto module = torch::jit::load(spec.file.string());
  module.eval();
  module = torch::jit::freeze(module);
  return [module](const auto& inputs) mutable { module.forward({inputs.begin(), inputs.end()}); };
}

std::vector<at::Tensor> inputs_of(const model_spec& spec, std::int64_t rows) {
  std::vector<at::Tensor> inputs;
  for (const auto& rule : spec.inputs) {
    std::vector<std::int64_t> shape;
    if (spec.batchable) shape.push_back(rows);
    std::size_t open = 0;
    const auto sizes = spec.warm_up_shape.find(rule.spec.name);
    for (const auto size : rule.spec.shape) {
      const bool known = sizes != spec.warm_up_shape.end() && open < sizes->second.size();
      shape.push_back(size >= 0 ? size : known ? sizes->second[open] : 1);
      if (size < 0) ++open;
    }
    inputs.push_back(at::ones(shape, scalar_type(*datatype_from_name(rule.spec.datatype))));
  }
  return inputs;
}

double rows_per_second(const forward& run, const model_spec& spec, std::int64_t rows,
                       double seconds) {
  const auto inputs = inputs_of(spec, rows);
  for (int i = 0; i < 10; ++i) run(inputs);
  const auto begin = now();
  std::int64_t done = 0;
  double took = 0;
  do {
    run(inputs);
    done += rows;
    took = std::chrono::duration<double>(now() - begin).count();
  } while (took < seconds);
  return static_cast<double>(done) / took;
}

void measure(const model_spec& spec, double seconds) {
  at::set_num_threads(1);
  const c10::InferenceMode inference;
  const auto run = load(spec);
  double best = 0;
  std::int64_t best_rows = 0;
  std::cout << "{\"model\": \"" << spec.name << "\", \"version\": " << spec.version
            << ", \"batches\": [";
  for (std::int64_t rows = 1; rows <= spec.max_batch; rows *= 2) {
    const auto rate = rows_per_second(run, spec, rows, seconds);
    std::cout << (rows > 1 ? ", " : "") << "{\"rows\": " << rows << ", \"rows_per_s\": " << rate
              << "}";
    if (rate > best) best = rate, best_rows = rows;
  }
  // Measured again: the largest of several noisy rates is too large.
  std::cout << "], \"best_rows\": " << best_rows
            << ", \"best_rows_per_s\": " << rows_per_second(run, spec, best_rows, 4 * seconds)
            << "}\n";
}

int run(int count, char** words) {
  if (count < 3) {
    std::cerr << "usage: bench_bare_libtorch MODELS_DIR NAME [VERSION [SECONDS]]\n";
    return 2;
  }
  const auto version = count > 3 ? std::strtoul(words[3], nullptr, 10) : 1;
  for (const auto& spec : read_repository(words[1]).specs)
    if (spec.name == words[2] && spec.version == version) {
      measure(spec, count > 4 ? std::strtod(words[4], nullptr) : 1);
      return 0;
    }
  std::cerr << "no model " << words[2] << ":" << version << " in " << words[1] << "\n";
  return 1;
}

}  // namespace

}  // namespace coppice::worker

int main(int count, char** words) try {
  return coppice::worker::run(count, words);
} catch (const std::exception& failure) {
  std::cerr << failure.what() << "\n";
  return 1;
}
