#pragma once

#include "base/error.hpp"
#include "gateway/shard/ledger.hpp"

#include <string>
#include <string_view>

namespace coppice::gateway {

/// The client's id as text: a number, a string, or the hex digits of any other msgpack value.
[[nodiscard]] std::string shown_id(const proto::raw_value& id);

/// The trace id of a W3C `traceparent` (version-traceid-parentid-flags); empty if it is none.
[[nodiscard]] std::string_view trace_id(std::string_view traceparent);

/// One line about a request that ended with an error: a warning if the cluster is at fault, else
/// at level debug.
void log_failure(const ledger_row& row, const error& why);

/// One line about a request whose engine was lost: it is placed again, or fails after this.
void log_lost_attempt(const ledger_row& row, std::string_view reason);

/// One line about a link that fell silent: no attempt goes there until its engine is heard again.
void log_silent_link(std::string_view engine);

}  // namespace coppice::gateway
