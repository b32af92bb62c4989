#pragma once

#include "proto/messages/client.hpp"
#include "proto/messages/control.hpp"
#include "proto/messages/explanation.hpp"
#include "proto/messages/link.hpp"

#include <tuple>

/// Every message that comes from another process. The first byte of a fuzz input, modulo their
/// number, chooses one; the rest is its msgpack form.
namespace coppice::fuzz {

using messages =
    std::tuple<proto::request, proto::reply, proto::link_request, proto::link_reply,
               proto::place_request, proto::place_reply, proto::node_snapshot, proto::engine_down,
               proto::catalogue, proto::gateway_state, proto::cluster_status, proto::engine_report,
               proto::operator_request, proto::suspicion, proto::trial_result, proto::judgement,
               proto::drain_order, proto::drain_notice, proto::drain_ack, proto::drain_status,
               proto::explanation, proto::apply_order, proto::apply_status>;

}  // namespace coppice::fuzz
