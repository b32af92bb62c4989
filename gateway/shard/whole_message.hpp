#pragma once

#include "gateway/shard/door.hpp"

namespace coppice::gateway {

/// Reads one message with all its parts into `message`. @returns false if none is there.
inline bool receive_whole(zmq::socket_t& socket, frame_list& message) {
  constexpr std::size_t usual_parts = 5;
  message.clear();
  message.reserve(usual_parts);
  do {
    if (!socket.recv(message.emplace_back(), zmq::recv_flags::dontwait)) return false;
  } while (message.back().more());
  return true;
}

}  // namespace coppice::gateway
