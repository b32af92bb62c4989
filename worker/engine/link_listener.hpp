#pragma once

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"

#include <string>

namespace coppice::worker {

/// Where an engine's link listens. Opened apart from the link itself, because a confined process
/// may open no socket.
struct link_listener {
  descriptor socket;
  /// As ZeroMQ names it, the port included.
  std::string endpoint;

  /// A free port of `address` (numeric), or a Unix socket if it is 127.0.0.1. @error `invalid`.
  static expected<link_listener> open(const std::string& address, incarnation_id incarnation);
};

}  // namespace coppice::worker
