#include "gateway/shard/fingerprint.hpp"

#include <xxhash.h>

#include <bitset>
#include <string>
#include <string_view>

namespace coppice::gateway {

namespace {

/// A text that two contents share only if they are equal: every list and every string is led by
/// its length, every choice by a tag. Frames, which can be large, enter as their own hashes.
class content {
 public:
  void add(std::uint64_t number) {
    text_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void add(std::string_view bytes) {
    add(bytes.size());
    text_.append(bytes);
  }
  void add(const zmq::message_t& frame) {
    const auto hash = XXH3_128bits(frame.data(), frame.size());
    add(frame.size());
    add(hash.high64);
    add(hash.low64);
  }
  [[nodiscard]] proto::fingerprint hashed() const {
    const auto hash = XXH3_128bits(text_.data(), text_.size());
    return {hash.high64, hash.low64};
  }

 private:
  std::string text_;
};

using named_frames = std::bitset<proto::max_frames>;

void add_elements(content& to, const proto::tensor& input, const frame_list& frames,
                  named_frames& named) {
  const auto index = input.frame.value_or(0);
  if (input.frame && index < frames.size() && index < named.size()) {
    to.add(1);
    to.add(frames[index]);
    named[index] = true;
  } else {  // the door lets no index out of bounds pass
    to.add(input.frame ? 2u : 0u);
    to.add(index);
  }
  to.add(input.data.bytes);
}

void add_input(content& to, const proto::tensor& input, const frame_list& frames,
               named_frames& named) {
  to.add(input.name);
  to.add(input.datatype);
  to.add(input.shape.size());
  for (const auto size : input.shape) to.add(static_cast<std::uint64_t>(size));
  add_elements(to, input, frames, named);
}

}  // namespace

proto::fingerprint fingerprint_of(const proto::request& header, const frame_list& frames) {
  content all;
  all.add(header.op);
  all.add(header.model);
  all.add(header.version);
  all.add(header.outputs.size());
  for (const auto& each : header.outputs) all.add(each);
  all.add(header.parameters.bytes);
  all.add(header.inputs.size());
  named_frames named;
  for (const auto& each : header.inputs) add_input(all, each, frames, named);
  for (std::size_t i = 0; i < frames.size(); ++i)
    if (i >= named.size() || !named[i]) all.add(frames[i]);
  return all.hashed();
}

}  // namespace coppice::gateway
