#pragma once

#include <filesystem>
#include <string>

namespace coppice::worker {

/// One thing wrong with a model repository.
struct finding {
  std::filesystem::path file;
  /// 1-based; 0 where no line applies.
  int line = 0;
  /// What is wrong, one sentence.
  std::string problem;
  /// What to do about it, one sentence.
  std::string remedy;
};

}  // namespace coppice::worker
