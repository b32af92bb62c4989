#include "gateway/shard/door.hpp"

#include "proto/codec/codec.hpp"
#include "proto/limits.hpp"

#include <array>
#include <bitset>
#include <optional>

namespace coppice::gateway {

namespace {

constexpr std::array<std::pair<std::string_view, std::size_t>, 14> element_bytes{{{"BOOL", 1},
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

std::optional<std::size_t> size_of(std::string_view datatype) {
  for (const auto& [name, size] : element_bytes)
    if (name == datatype) return size;
  return std::nullopt;
}

tl::unexpected<error> reject(const proto::tensor& tensor, const std::string& what) {
  return fail(errc::invalid, "Input '" + tensor.name + "' " + what + ".");
}

expected<std::uint64_t> elements_of(const proto::tensor& tensor) {
  if (tensor.shape.size() > proto::max_rank)
    return reject(tensor, "has rank " + std::to_string(tensor.shape.size()) + "; at most " +
                              std::to_string(proto::max_rank) + " is allowed");
  std::uint64_t elements = 1;
  for (const auto size : tensor.shape) {
    if (size < 0) return reject(tensor, "has the negative dimension " + std::to_string(size));
    const auto wide = static_cast<std::uint64_t>(size);
    if (wide > proto::max_elements || elements * wide > proto::max_elements)
      return reject(tensor, "has more than " + std::to_string(proto::max_elements) + " elements");
    elements *= wide;
  }
  return elements;
}

expected<void> check_frame(const proto::tensor& tensor, const frame_list& frames,
                           std::size_t element_size, std::uint64_t elements,
                           std::bitset<proto::max_frames>& used) {
  const auto index = *tensor.frame;
  if (index >= frames.size())
    return reject(tensor, "names frame " + std::to_string(index) + "; there are " +
                              std::to_string(frames.size()));
  if (used[index]) return reject(tensor, "names frame " + std::to_string(index) + " a second time");
  used[index] = true;
  const auto wanted = elements * element_size;
  if (element_size > 0 && frames[index].size() != wanted)
    return reject(tensor, "has " + std::to_string(frames[index].size()) + " bytes in its frame; " +
                              tensor.datatype + " of its shape takes " + std::to_string(wanted));
  return {};
}

expected<void> check_tensor(const proto::tensor& tensor, const frame_list& frames,
                            std::bitset<proto::max_frames>& used) {
  if (tensor.name.empty() || tensor.name.size() > proto::max_name_bytes)
    return fail(errc::invalid, "An input's name must have 1 to 256 bytes.");
  const auto size = size_of(tensor.datatype);
  if (!size) return reject(tensor, "has the unknown datatype '" + tensor.datatype + "'");
  const auto elements = elements_of(tensor);
  if (!elements) return tl::unexpected(elements.error());
  if (tensor.frame && !tensor.data.empty()) return reject(tensor, "has both 'frame' and 'data'");
  if (tensor.frame) return check_frame(tensor, frames, *size, *elements, used);
  if (tensor.data.empty()) return reject(tensor, "has neither 'frame' nor 'data'");
  return {};
}

/// Tokens of `emitted` come on top of what any header may have.
expected<proto::request> read_header(std::string_view bytes) {
  auto header = proto::decode<proto::request>(bytes, proto::max_request_header_bytes);
  if (!header) return header;
  const auto plain = bytes.size() - header->emitted.bytes.size();
  if (plain <= proto::max_header_bytes) return header;
  return fail(errc::invalid, "The header has " + std::to_string(plain) +
                                 " bytes beside 'emitted'; at most " +
                                 std::to_string(proto::max_header_bytes) + " are allowed.");
}

expected<void> check_header(const proto::request& header) {
  if (header.v != proto::protocol_version)
    return fail(errc::invalid,
                "Field 'v' is " + std::to_string(header.v) + "; this cluster speaks version 1.");
  if (header.id.bytes.size() > proto::max_id_bytes)
    return fail(errc::invalid, "Field 'id' is longer than 256 bytes.");
  for (const auto* name : {&header.model, &header.session, &header.key})
    if (name->size() > proto::max_name_bytes)
      return fail(errc::invalid, "Fields 'model', 'session' and 'key' have at most 256 bytes.");
  if (header.timeout_ms < 1 || header.timeout_ms > proto::max_timeout_ms)
    return fail(errc::invalid, "Field 'timeout_ms' must be 1 to 3600000.");
  const auto& priority = header.priority_class;
  if (priority != "normal" && priority != "critical" && priority != "batch")
    return fail(errc::invalid, "Field 'class' must be critical, normal or batch.");
  return {};
}

expected<std::size_t> check_size(const frame_list& frames, std::size_t header_bytes) {
  if (frames.size() > proto::max_frames)
    return fail(errc::invalid, "The request has " + std::to_string(frames.size()) +
                                   " frames; at most 64 are allowed.");
  std::size_t bytes = header_bytes;
  for (const auto& frame : frames) bytes += frame.size();
  if (bytes > proto::max_request_bytes + proto::max_request_header_bytes)
    return fail(errc::invalid, "The request has " + std::to_string(bytes) +
                                   " bytes; at most 64 MiB of frames are allowed.");
  return bytes;
}

/// The `id` alone, from a header that does not decode as a whole.
proto::raw_value id_of(std::string_view header) {
  proto::reader from{header};
  std::uint32_t entries = 0;
  if (!from.open_map(entries)) return {};
  for (std::uint32_t i = 0; i < entries; ++i) {
    std::string_view key, value;
    if (!from.read(key) || !from.skip(value)) return {};
    if (key == "id" && value.size() <= proto::max_id_bytes) return {std::string{value}};
  }
  return {};
}

bool is_delimited(const frame_list& message, std::size_t at) {
  return message.size() > at + 1 && message[at].size() == 0;
}

}  // namespace

std::size_t read_envelope(const frame_list& message, client_address& from) {
  from.routing_id.assign(static_cast<const char*>(message[0].data()), message[0].size());
  if (is_delimited(message, 1)) {
    from.empty_delimiter = true;
    return 3;
  }
  if (message.size() > 2 && message[1].size() == 4 && is_delimited(message, 2)) {
    from.correlation.assign(static_cast<const char*>(message[1].data()), 4);
    from.empty_delimiter = true;
    return 4;
  }
  return message.size() > 1 ? 2 : 0;
}

expected<void> check_tensors(const proto::request& header, const frame_list& frames) {
  std::bitset<proto::max_frames> used;
  for (const auto& tensor : header.inputs)
    if (auto checked = check_tensor(tensor, frames, used); !checked) return checked;
  if (used.count() == frames.size()) return {};
  return fail(errc::invalid, std::to_string(frames.size()) + " frames came and the inputs name " +
                                 std::to_string(used.count()) + "; every frame must be named.");
}

tl::expected<client_request, refused_request> open_message(frame_list&& message) {
  client_request out;
  const auto taken = read_envelope(message, out.from);
  const auto refuse = [&](proto::raw_value id, error why) {
    return tl::unexpected(refused_request{std::move(out.from), std::move(id), std::move(why)});
  };
  if (taken == 0) return refuse({}, {errc::invalid, "The message is empty.", 0});
  const auto& head = message[taken - 1];
  const std::string_view bytes{static_cast<const char*>(head.data()), head.size()};
  auto header = read_header(bytes);
  if (!header) return refuse(id_of(bytes.substr(0, proto::max_header_bytes)), header.error());
  out.header = std::move(*header);
  if (auto checked = check_header(out.header); !checked)
    return refuse(std::move(out.header.id), checked.error());
  out.frames.assign(std::make_move_iterator(message.begin() + static_cast<long>(taken)),
                    std::make_move_iterator(message.end()));
  const auto size = check_size(out.frames, bytes.size());
  if (!size) return refuse(std::move(out.header.id), size.error());
  out.bytes = *size;
  if (auto checked = check_tensors(out.header, out.frames); !checked)
    return refuse(std::move(out.header.id), checked.error());
  return out;
}

}  // namespace coppice::gateway
