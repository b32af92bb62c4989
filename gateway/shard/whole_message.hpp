#pragma once

#include "gateway/shard/door.hpp"

#include <zmq_addon.hpp>

#include <iterator>

namespace coppice::gateway {

/// Reads one message with all its parts. @returns false if none is there.
inline bool receive_whole(zmq::socket_t& socket, frame_list& message) {
  message.clear();
  return zmq::recv_multipart(socket, std::back_inserter(message), zmq::recv_flags::dontwait)
      .has_value();
}

}  // namespace coppice::gateway
