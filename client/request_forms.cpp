#include "client/request_forms.hpp"

#include "base/clock.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace coppice::client {

namespace {

tensor as_tensor(proto::tensor&& described, std::vector<std::string>& frames) {
  tensor made{
      std::move(described.name), std::move(described.datatype), std::move(described.shape), {}};
  if (described.frame && *described.frame < frames.size())
    made.bytes = std::move(frames[*described.frame]);
  return made;
}

void add_input(open_request& to, tensor&& input) {
  const auto frame = static_cast<std::uint32_t>(to.frames.size());
  to.header.inputs.push_back(
      {std::move(input.name), std::move(input.datatype), std::move(input.shape), frame, {}});
  to.frames.push_back(std::make_shared<const std::string>(std::move(input.bytes)));
}

std::string little_endian(std::uint32_t number) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}

tensor as_prompt(generate_request& request) {
  if (request.tokens.empty())
    return {"text",
            "BYTES",
            {1},
            little_endian(static_cast<std::uint32_t>(request.text.size())) + request.text};
  return {"tokens",
          "INT32",
          {static_cast<std::int64_t>(request.tokens.size())},
          {reinterpret_cast<const char*>(request.tokens.data()),
           request.tokens.size() * sizeof(std::int32_t)}};
}

/// What requests of both kinds say alike; takes it out of `request`.
template <class Request>
open_request begin(const char* op, Request& request) {
  open_request open;
  open.deadline = now() + request.timeout;
  auto& header = open.header;
  header.op = op;
  header.model = std::move(request.model);
  header.version = request.version;
  header.parameters = {std::move(request.parameters)};
  header.priority_class = std::move(request.priority_class);
  header.at_most_once = request.at_most_once;
  return open;
}

}  // namespace

open_request as_open(infer_request&& request) {
  auto open = begin("infer", request);
  auto& header = open.header;
  header.outputs = std::move(request.outputs);
  header.key = std::move(request.key);
  for (auto& input : request.inputs) add_input(open, std::move(input));
  return open;
}

open_request as_open(generate_request&& request) {
  auto open = begin("generate", request);
  auto& header = open.header;
  header.stream = true;
  header.window = std::max(request.window, 1u);
  add_input(open, as_prompt(request));
  return open;
}

infer_result as_infer_result(answer_parts&& reply) {
  infer_result result;
  result.key = std::move(reply.key);
  auto& header = reply.header;
  result.model = std::move(header.model);
  result.version = header.version;
  if (header.times) result.timing = *header.times;
  for (auto& output : header.outputs)
    result.outputs.push_back(as_tensor(std::move(output), reply.frames));
  return result;
}

generate_result as_generate_result(answer_parts&& reply) {
  auto& header = reply.header;
  std::uint64_t last = 0;  // the session checked that they are whole
  for (const auto& each : header.outputs)
    if (each.name == "tokens" && each.shape.size() == 1)
      last = static_cast<std::uint64_t>(each.shape.front());
  return {header.seq + last, std::move(header.model), header.version,
          header.times.value_or(proto::timing{})};
}

}  // namespace coppice::client
