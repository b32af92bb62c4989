#include "client/request_id.hpp"
#include "client/session.hpp"
#include "proto/codec/tokens.hpp"

#include <algorithm>

namespace coppice::client {

namespace {

/// A frame's text, for `tokens_in`.
struct frame_view {
  const std::vector<std::string>& frames;
  [[nodiscard]] std::size_t size() const { return frames.size(); }
  struct text {
    std::string_view bytes;
    [[nodiscard]] std::string_view to_string_view() const { return bytes; }
  };
  text operator[](std::size_t at) const { return {frames[at]}; }
};

}  // namespace

/// The request asks for the stream behind the tokens that it has.
void session::go_on_behind(proto::request& header, token_stream& stream) {
  header.seq = stream.tokens.size();
  header.emitted = proto::pack_tokens(stream.tokens);
  stream.acknowledged = header.seq;
  stream.resuming = true;
}

void session::take_chunk(entry at, answer_parts&& reply, steady_time now) {
  const auto number = at->first;
  auto& stream = *at->second.stream;
  auto part = proto::tokens_in(reply.header.outputs, frame_view{reply.frames});
  if (!part) return finish(number, fail(errc::internal, "A chunk does not fit docs/protocol.md."));
  const auto have = stream.tokens.size();
  const auto seq = reply.header.seq;
  if (seq > have) return resume(at, now);
  stream.resuming = false;
  const auto known = std::min<std::size_t>(have - seq, part->size());
  if (const auto fresh = std::span{*part}.subspan(known); !fresh.empty()) {
    stream.tokens.insert(stream.tokens.end(), fresh.begin(), fresh.end());
    stream.deliver(have, fresh);
  }
  if (reply.header.final) return finish(number, std::move(reply));
  acknowledge(number, at->second);
}

/// A gap: the stream is asked for again from the first token that is missing, once.
void session::resume(entry at, steady_time now) {
  auto& request = at->second;
  if (request.stream->resuming || request.where != open_request::place::sent) return;
  request.stream->resuming = true;
  request.header.again = true;
  send(request, now);
}

/// Opens the gateway's window again when half of it is used.
void session::acknowledge(std::uint64_t number, open_request& request) {
  auto& stream = *request.stream;
  const auto have = stream.tokens.size();
  if (request.header.window == 0 || have - stream.acknowledged < (request.header.window + 1) / 2)
    return;
  stream.acknowledged = have;
  proto::request header;
  header.v = proto::protocol_version;
  header.op = "ack";
  header.id = integer_id(number);
  header.session = name_;
  header.key = request.header.key;
  header.seq = have;
  effects_->send(header, {});
}

}  // namespace coppice::client
