#include "gateway/process_look.hpp"

#include "actors/ask.hpp"
#include "base/counted.hpp"

#include <fmt/format.h>

#include <future>

namespace coppice::gateway {

namespace {

expected<shard_look> look_at(shard_loop& shard, duration limit) {
  // Shared: the shard may answer after the limit.
  auto answer = std::make_shared<std::promise<shard_look>>();
  auto told = answer->get_future();
  shard.post(look_order{[answer](shard_look found) { answer->set_value(found); }});
  if (told.wait_for(limit) == std::future_status::ready) return told.get();
  return fail(errc::unavailable, "The shard does not tick.");
}

}  // namespace

expected<std::string> look_at(shard_loop& shard, caf::actor_system& system,
                              const gateway_self& gateway, duration limit) {
  const auto found = look_at(shard, limit);
  if (!found) return tl::unexpected(found.error());
  const auto schedulers = actors::ask<std::uint32_t>(system, gateway, "The gateway actor", limit,
                                                     caf::ping_atom::value);
  if (!schedulers) return tl::unexpected(schedulers.error());
  return fmt::format("serving {}, links to {}, {}{}", counted(found->models, "model"),
                     counted(found->links, "engine"), counted(found->open_requests, "open request"),
                     *schedulers == 0 ? ", no scheduler reached" : "");
}

}  // namespace coppice::gateway
