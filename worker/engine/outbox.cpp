#include "worker/engine/outbox.hpp"

#include "proto/limits.hpp"
#include "worker/model/datatype.hpp"

#include <memory>
#include <span>

namespace coppice::worker {

namespace {

proto::error_body as_body(const error& failure) {
  return {std::string{code_name(failure.code)}, failure.message, describe(failure.code).retryable,
          failure.retry_after_ms};
}

/// Describes `outputs`, each in a frame of its own.
void add_outputs(const item_outputs& outputs, proto::link_reply& reply) {
  reply.outputs.reserve(outputs.size());
  for (const auto& output : outputs) {
    const auto frame = static_cast<std::uint32_t>(reply.outputs.size());
    reply.outputs.push_back(
        {output.name, std::string{datatype_name(output.type)}, output.shape, frame, {}});
  }
}

/// The output `tokens` of a model that streams.
item_outputs as_outputs(token_chunk&& chunk) {
  const auto owned = std::make_shared<const std::vector<std::int32_t>>(std::move(chunk.tokens));
  const auto count = static_cast<std::int64_t>(owned->size());
  return {{"tokens", datatype::int32, {count}, std::as_bytes(std::span{*owned}), owned}};
}

}  // namespace

proto::link_reply outbox::header(const char* op, attempt_id id, std::uint32_t rows) const {
  proto::link_reply reply;
  reply.op = op;
  reply.attempt = id;
  reply.incarnation = incarnation_;
  reply.credit = rows;
  return reply;
}

void outbox::send(const std::string& gateway, const proto::link_reply& reply,
                  const item_outputs& outputs) {
  if (!effects_.send(gateway, reply, outputs)) gone_.push_back(gateway);
}

void outbox::welcome(const std::string& gateway, std::vector<proto::model_card> models) {
  auto reply = header("welcome", {}, 0);
  reply.models = std::move(models);
  send(gateway, reply);
}

/// Nothing else gets through while it does: its gateway is not to take that for silence.
void outbox::announce(const std::string& gateway, const item_outputs& outputs) {
  std::size_t bytes = 0;
  for (const auto& output : outputs) bytes += output.bytes.size();
  if (bytes < proto::large_message_bytes) return;
  auto coming = header("pong", {}, 0);
  coming.bytes = bytes;
  send(gateway, coming);
}

void outbox::pong(const std::string& gateway) { send(gateway, header("pong", {}, 0)); }

void outbox::refuse(const std::string& gateway, attempt_id id, std::uint32_t rows,
                    const error& why) {
  auto reply = header("refused", id, rows);
  reply.error = as_body(why);
  send(gateway, reply);
}

void outbox::answer(const std::string& gateway, attempt_id id, std::uint32_t rows,
                    const expected<item_outputs>& outcome, const attempt_run& run) {
  auto reply = header("reply", id, rows);
  reply.batch_rows = run.batch_rows;
  if (run.batch_rows > 0) reply.release = reason_name(run.reason);
  reply.times.batch_us = to_us(run.waited);
  reply.times.compute_us = to_us(run.computed);
  if (!outcome) {
    reply.error = as_body(outcome.error());
    return send(gateway, reply);
  }
  add_outputs(*outcome, reply);
  announce(gateway, *outcome);
  send(gateway, reply, *outcome);
}

void outbox::chunk(const std::string& gateway, attempt_id id, token_chunk&& tokens) {
  auto reply = header("chunk", id, 0);
  reply.seq = tokens.seq;
  reply.final = false;
  const auto outputs = as_outputs(std::move(tokens));
  add_outputs(outputs, reply);
  send(gateway, reply, outputs);
}

void outbox::end_stream(const std::string& gateway, attempt_id id, token_chunk&& rest,
                        duration waited, duration computed) {
  auto reply = header("reply", id, 1);
  reply.seq = rest.seq;
  reply.times.batch_us = to_us(waited);
  reply.times.compute_us = to_us(computed);
  const auto outputs = as_outputs(std::move(rest));
  add_outputs(outputs, reply);
  send(gateway, reply, outputs);
}

}  // namespace coppice::worker
