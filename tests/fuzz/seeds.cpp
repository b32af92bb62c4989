// Writes one valid message of each kind, all fields set, into the folder it is given: the corpus
// that the fuzzer mutates.
#include "proto/codec/codec.hpp"
#include "tests/fuzz/messages.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

namespace coppice::fuzz {
namespace {

template <class T>
void fill(T& value);

template <class T>
void fill_value(T& value) {
  if constexpr (proto::message<T>) {
    fill(value);
  } else if constexpr (std::is_same_v<T, proto::raw_value>) {
    value.bytes = "\x92\x01\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00";
    value.bytes.resize(11);
  } else if constexpr (proto::codec::is_strong_id<T>) {
    value.value = 1'000'000;
  } else if constexpr (proto::codec::is_vector<T>) {
    fill_value(value.emplace_back());
    fill_value(value.emplace_back());
  } else if constexpr (proto::codec::is_optional<T>) {
    fill_value(value.emplace());
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = "FP32";
  } else {
    value = static_cast<T>(1);
  }
}

/// Sets every field to something that is not its default.
template <class T>
void fill(T& value) {
  std::apply([&](const auto&... f) { (fill_value(value.*f.member), ...); }, T::fields());
}

class seed_folder {
 public:
  explicit seed_folder(std::filesystem::path folder) : folder_{std::move(folder)} {
    std::filesystem::create_directories(folder_);
  }
  template <class T>
  void add(std::size_t kind, const T& value) {
    std::ofstream file{folder_ / std::to_string(seeds_++), std::ios::binary};
    file << static_cast<char>(kind) << proto::encode(value);
  }

 private:
  std::filesystem::path folder_;
  int seeds_ = 0;
};

template <std::size_t... I>
void add_every_kind(seed_folder& folder, std::index_sequence<I...>) {
  const auto one = [&]<class T>(std::size_t kind, T value) {
    fill(value);
    folder.add(kind, value);
  };
  (one(I, std::tuple_element_t<I, messages>{}), ...);
}

/// Requests that pass the door: a frame, and elements in the header of several types.
void add_requests(seed_folder& folder) {
  proto::request request;
  request.v = 1;
  request.op = "infer";
  request.model = "echo";
  request.id.bytes = "\x01";
  request.inputs = {{"a", "UINT8", {8}, 0, {}}, {"b", "UINT8", {8}, 1, {}}};
  folder.add(0, request);
  using namespace std::string_literals;
  const auto with = [&](std::string type, std::string data) {
    auto copy = request;
    copy.inputs.push_back({"c", std::move(type), {2}, {}, {std::move(data)}});
    folder.add(0, copy);
  };
  with("FP32", "\x92\x01\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"s);
  with("INT64", "\x92\xd3\x80\x00\x00\x00\x00\x00\x00\x00\x01"s);
  with("BYTES", "\x92\xa1x\xc4\x01y"s);
  with("BOOL", "\x92\xc2\xc3"s);
  with("FP16", "\xc4\x04\x00\x3c\x00\x3c"s);
}

}  // namespace
}  // namespace coppice::fuzz

int main(int count, char** arguments) {
  if (count != 2) return std::cerr << "usage: decode_seeds FOLDER\n", 2;
  coppice::fuzz::seed_folder folder{arguments[1]};
  coppice::fuzz::add_every_kind(
      folder, std::make_index_sequence<std::tuple_size_v<coppice::fuzz::messages>>{});
  coppice::fuzz::add_requests(folder);
}
