#pragma once

#include <string>
#include <string_view>

/// Names of engines. A place of a node, "node-1/engine-0", holds one engine, and for a while a
/// second one that takes over from the first: that one is called "node-1/engine-0b", and the one
/// that takes over from it in turn "node-1/engine-0".
namespace coppice::proto {

[[nodiscard]] inline std::string name_beside(std::string_view place) {
  return std::string{place} + 'b';
}

/// The place of an engine. Any other name is its own.
[[nodiscard]] inline std::string_view place_of(std::string_view engine) {
  const bool may_be = engine.size() > 2 && engine.ends_with('b') && engine.find('/') != engine.npos;
  const char before = may_be ? engine[engine.size() - 2] : '\0';
  return before >= '0' && before <= '9' ? engine.substr(0, engine.size() - 1) : engine;
}

}  // namespace coppice::proto
