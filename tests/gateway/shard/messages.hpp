#pragma once

#include "gateway/shard/door.hpp"
#include "proto/codec/codec.hpp"

#include <string>

/// Builders of client messages for gateway tests.
namespace coppice::gateway::testing {

inline proto::request a_request(std::string model = "echo", int id = 1) {
  proto::request request;
  request.v = 1;
  request.op = "infer";
  request.id.bytes = std::string(1, static_cast<char>(id));
  request.model = std::move(model);
  request.inputs.push_back({"x", "UINT8", {4}, 0, {}});
  return request;
}

inline frame_list as_message(const std::string& header, int frames = 1,
                             const std::string& client = "client") {
  frame_list message;
  message.emplace_back(client);
  message.emplace_back();
  message.emplace_back(header);
  for (int i = 0; i < frames; ++i) message.emplace_back(std::string("abcd"));
  return message;
}

inline frame_list as_message(const proto::request& request, const std::string& client = "client") {
  return as_message(proto::encode(request), static_cast<int>(request.inputs.size()), client);
}

}  // namespace coppice::gateway::testing
