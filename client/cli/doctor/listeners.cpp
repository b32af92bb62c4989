#include "client/cli/doctor/listeners.hpp"

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace coppice::cli::doctor {

namespace {

/// Columns of the table: address in hexadecimal with its port, state, and the socket's inode.
constexpr std::size_t local_address = 1, state = 3, inode = 9;
constexpr std::string_view listen_state = "0A";

std::vector<std::string> words(const std::string& line) {
  std::istringstream in{line};
  std::vector<std::string> all;
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

}  // namespace

std::map<std::uint16_t, std::uint64_t> listening(std::string_view table) {
  std::map<std::uint16_t, std::uint64_t> found;
  std::istringstream in{std::string{table}};
  for (std::string line; std::getline(in, line);) {
    const auto row = words(line);
    if (row.size() <= inode || row[state] != listen_state) continue;
    const auto colon = row[local_address].rfind(':');
    if (colon == std::string::npos) continue;
    const auto port = std::strtoul(&row[local_address][colon + 1], nullptr, 16);
    found[static_cast<std::uint16_t>(port)] = std::strtoull(row[inode].c_str(), nullptr, 10);
  }
  return found;
}

}  // namespace coppice::cli::doctor
