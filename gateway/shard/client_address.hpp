#pragma once

#include <string>

namespace coppice::gateway {

/// Where a reply to a client goes: the ROUTER's id of its connection, and the envelope it used,
/// which is echoed (REQ sends [empty]; a relaxed REQ [4 bytes][empty]; a DEALER may send none).
struct client_address {
  std::string routing_id;
  bool empty_delimiter = false;
  /// The 4 bytes before the delimiter of a relaxed REQ; else empty.
  std::string correlation;
  /// Descriptor of the connection in this process; -1 unknown. Names the client that disconnects.
  int connection = -1;

  friend bool operator==(const client_address&, const client_address&) = default;
};

}  // namespace coppice::gateway
