#include "gateway/shard/shard.hpp"
#include "proto/codec/tokens.hpp"

#include <algorithm>
#include <utility>

namespace coppice::gateway {

namespace {

/// The output "tokens" over a frame of its own.
proto::tensor tokens_output(std::size_t count) {
  return {"tokens", "INT32", {static_cast<std::int64_t>(count)}, 0, {}};
}

frame_list as_frame(std::span<const token> tokens) {
  frame_list frames;
  frames.emplace_back(tokens.data(), tokens.size_bytes());
  return frames;
}

proto::reply piece_of(const ledger_row& row, const stream_state::piece& piece) {
  proto::reply out;
  out.id = row.request.header.id;
  out.model = row.request.header.model;
  out.version = row.sent_version;
  out.seq = piece.seq;
  out.outputs.push_back(tokens_output(piece.tokens.size()));
  return out;
}

}  // namespace

/// The client has the tokens before `seq`, its reader all of them but the unread ones.
expected<void> shard::place_reader(ledger_row& row, std::uint64_t seq, const proto::request& says) {
  return row.stream->resume(seq, seq - std::min<std::uint64_t>(says.unread, seq));
}

expected<void> shard::begin_stream(ledger_row& row, std::uint32_t length) const {
  const auto& header = row.request.header;
  if (header.op != "generate") return {};
  auto emitted = proto::unpack_tokens(header.emitted);
  if (!emitted) return fail(errc::invalid, "Field 'emitted' must be a bin of whole INT32 tokens.");
  const auto seq = emitted->size();
  if (seq > length)
    return fail(errc::invalid, "Field 'emitted' has " + std::to_string(seq) +
                                   " tokens; 'max_tokens' is " + std::to_string(length) + ".");
  auto limits = options_.streams;
  limits.max_tokens = length;
  row.stream = std::make_unique<stream_state>(limits, header.stream ? header.window : 0,
                                              std::move(*emitted));
  return place_reader(row, seq, header);
}

void shard::take_chunk(ledger_row& row, const proto::link_reply& reply, const frame_list& frames,
                       steady_time now) {
  if (!take_tokens(row, reply, frames)) return break_stream(row, now);
  deliver(row, now);
}

bool shard::take_tokens(ledger_row& row, const proto::link_reply& reply, const frame_list& frames) {
  if (row.stream == nullptr) return false;
  const auto tokens = proto::tokens_in(reply.outputs, frames);
  if (!tokens) return false;
  const auto what = reply.op == "chunk" ? row.stream->take(reply.seq, *tokens)
                                        : row.stream->take_last(reply.seq, *tokens);
  return what != stream_state::arrival::broken;
}

/// An engine that contradicts itself: what it said so far stands, another one goes on behind it.
void shard::break_stream(ledger_row& row, steady_time now) {
  auto& on = *row.on;
  send_cancel(row);
  on.credit.give_back(row.incarnation, row.sent_version, row.cost, 0);
  break_off(row, now);
  spend_credit(on, now);
}

/// Its credit has been dealt with.
void shard::break_off(ledger_row& row, steady_time now) {
  blame(*row.on, row.incarnation, now);
  attempt_failed(
      row, {attempt_end::answered, errc::internal, "The engine broke off its own stream."}, now);
}

/// The engine has said its last; the client may still have to read.
void shard::end_stream(ledger_row& row, proto::link_reply&& reply, const frame_list& frames,
                       steady_time now) {
  if (!take_tokens(row, reply, frames)) return break_off(row, now);
  take_answer(row, reply, now);
  ledger_.end_attempt(row);
  row.state = row_state::delivering;
  deliver(row, now);
}

/// Sends what the client's window allows, asks the engine for more, and ends what is complete.
void shard::deliver(ledger_row& row, steady_time now) {
  auto& stream = *row.stream;
  if (row.request.header.stream)
    while (const auto piece = stream.next()) {
      const auto what =
          effects_.reply(clients_.address_of(row), piece_of(row, *piece), as_frame(piece->tokens));
      if (what == delivery::no_room) {
        held_back_.insert(row.id);
        break;
      }
      stream.sent(*piece);
    }
  if (row.state == row_state::delivering) {
    if (!row.request.header.stream) return complete_stream(row, now);
    if (!stream.is_complete()) return;
    if (!effects_.is_behind(clients_.address_of(row))) return complete_stream(row, now);
    held_back_.insert(row.id);
    return;
  }
  if (const auto more = stream.more_window(); more > 0 && row.attempt) {
    proto::link_request out;
    out.op = "window";
    out.incarnation = row.incarnation;
    out.attempt = row.attempt;
    out.window = more;
    effects_.send(row.incarnation, out, {});
  }
}

/// Goes on with streams whose clients had no room.
void shard::deliver_held_back(steady_time now) {
  for (const auto id : std::exchange(held_back_, {}))
    if (auto* row = ledger_.find(id); row != nullptr && row->stream != nullptr) deliver(*row, now);
}

void shard::complete_stream(ledger_row& row, steady_time now) {
  auto out = success(row, now);
  const auto& emitted = row.stream->emitted();
  // What is kept for a client that comes back holds every token; what is sent, those it has not.
  kept_outcome whole{out, as_frame(emitted)};
  whole.header.outputs.push_back(tokens_output(emitted.size()));
  frame_list frames;
  out.seq = row.stream->sent();
  if (!row.request.header.stream) {
    const auto rest = std::span{emitted}.subspan(row.stream->sent());
    out.outputs.push_back(tokens_output(rest.size()));
    frames = as_frame(rest);
  }
  auto closed = close(row, outcome::completed);
  clients_.answer(closed, std::move(out), std::move(frames), now, std::move(whole));
}

// --- what clients say of their streams -----------------------------------------------------

void shard::acknowledge(const client_request& request, steady_time now) {
  for (const auto id : clients_.rows_of(request)) {
    auto* row = ledger_.find(id);
    if (row == nullptr || row->stream == nullptr || row->request.header.id != request.header.id)
      continue;
    row->stream->acknowledge(request.header.seq);
    deliver(*row, now);
  }
}

void shard::resume(const client_request& request, std::uint32_t client, steady_time now) {
  const auto found = clients_.find(request, now);
  if (found.what == outcome_store::verdict::replay && counts_ != nullptr)
    counts_->replayed.Increment();
  if (found.what == outcome_store::verdict::replay && found.outcome->header.error)
    return clients_.send_again(request, *found.outcome);
  if (found.what == outcome_store::verdict::replay) return resume_finished(request, *found.outcome);
  auto* row = ledger_.find(found.row);
  if (row == nullptr || row->stream == nullptr)
    return refuse(request, {errc::resume_expired, "Nothing is known of that stream any more.", 0});
  join(*row, request, client, now);
}

/// The stream is over: what the client has not yet goes out at once.
void shard::resume_finished(const client_request& request, const kept_outcome& kept) {
  auto [final, frames] = replay(kept, request.header.id);
  const auto tokens = proto::tokens_in(final.outputs, frames);
  const auto seq = request.header.seq;
  if (!tokens || seq > tokens->size())
    return refuse(request, {errc::resume_expired,
                            "The stream ended before token " + std::to_string(seq) + ".", 0});
  const auto rest = std::span{*tokens}.subspan(seq);
  final.outputs = {tokens_output(rest.size())};
  final.seq = seq;
  clients_.send(request.from, final, as_frame(rest), !kept.may_not_run_again);
}

}  // namespace coppice::gateway
