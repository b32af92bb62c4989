#include "worker/model/datatype.hpp"

#include <array>

namespace coppice::worker {

namespace {

struct row {
  std::string_view name;
  std::size_t size;
};

constexpr std::array<row, 14> table{{{"BOOL", 1},
                                     {"UINT8", 1},
                                     {"UINT16", 2},
                                     {"UINT32", 4},
                                     {"UINT64", 8},
                                     {"INT8", 1},
                                     {"INT16", 2},
                                     {"INT32", 4},
                                     {"INT64", 8},
                                     {"FP16", 2},
                                     {"BF16", 2},
                                     {"FP32", 4},
                                     {"FP64", 8},
                                     {"BYTES", 0}}};

}  // namespace

std::optional<datatype> datatype_from_name(std::string_view oip_name) noexcept {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (table[i].name == oip_name) return static_cast<datatype>(i);
  return std::nullopt;
}

std::string_view datatype_name(datatype type) noexcept {
  return table[static_cast<std::size_t>(type)].name;
}

std::size_t datatype_size(datatype type) noexcept {
  return table[static_cast<std::size_t>(type)].size;
}

}  // namespace coppice::worker
