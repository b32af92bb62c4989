#pragma once

#include "gateway/shard/door.hpp"
#include "gateway/shard/engine_links.hpp"
#include "proto/messages/client.hpp"
#include "proto/messages/control.hpp"
#include "proto/messages/link.hpp"

namespace coppice::gateway {

/// What a shard does to the world. The shard's loop does it with sockets; tests and the simulator
/// record it. Called on the shard's thread, inside the shard's handlers.
class shard_effects {
 public:
  virtual ~shard_effects() = default;
  /// Sends a reply; the frames may be moved from. A client that is gone is not an error.
  virtual void reply(const client_address& to, const proto::reply& header, frame_list&& frames) = 0;
  /// Sends on a link. The frames stay the caller's. @returns false if the link is gone.
  virtual bool send(incarnation_id to, const proto::link_request& header,
                    const frame_list& frames) = 0;
  virtual void open_link(const engine_link& link) = 0;
  virtual void close_link(const engine_link& link) = 0;
  virtual void place(proto::place_request&& demand) = 0;
  /// To the home scheduler of each content.
  virtual void suspect(proto::suspicion&& told) = 0;
  virtual void tell(proto::trial_result&& told) = 0;
  /// To every scheduler.
  virtual void tell(proto::drain_ack&& told) = 0;
};

}  // namespace coppice::gateway
