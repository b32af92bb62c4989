#pragma once

#include "base/error.hpp"
#include "worker/model/repository.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::worker {

/// What an engine is told to serve.
struct model_choice {
  /// Model repository; empty: none.
  std::string models;
  /// "name" or "name:version" of the repository; empty: all of it.
  std::vector<std::string> serve;
  /// Built-in models served beside.
  std::vector<std::string> builtins;
  /// Threads of one forward, instead of what model.yml says; 0: as it says.
  std::uint32_t threads = 0;
};

/// The chosen models. A finding about a model that is not chosen only makes a log line.
/// @error `invalid`: the first finding about a chosen model, or a name that nothing answers to.
expected<std::vector<model_spec>> choose_models(const model_choice& choice);

/// "file:line: problem. remedy."
[[nodiscard]] std::string as_text(const finding& each);

}  // namespace coppice::worker
