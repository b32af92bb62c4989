#pragma once

#include <cstddef>
#include <string>

namespace coppice {

/// At most `limit` bytes of a UTF-8 text, cut between characters.
[[nodiscard]] inline std::string cut_text(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  text.resize(limit);
  return text;
}

}  // namespace coppice
