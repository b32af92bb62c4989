#include "actors/system.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/all.hpp>

#include <charconv>

namespace coppice::actors {

namespace {

/// How long the own port may take to send a stranger away.
constexpr duration stranger_limit = 5s;

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

system_config::system_config(const std::optional<mesh_identity>& identity) {
  add_message_types<caf::id_block::coppice_cluster>();
  load<caf::io::middleman>();
  // A worker that sleeps 50 us between polls costs 100 us a hop; without, 12 us.
  set("work-stealing.moderate-poll-attempts", std::size_t{0});
  set("scheduler.max-threads", std::size_t{2});
  set("middleman.heartbeat-interval", caf::timespan{1s});
  set("middleman.connection-timeout", caf::timespan{5s});
  if (!identity) return;
  load<caf::openssl::manager>();
  set("openssl.certificate", identity->certificate.string());
  set("openssl.key", identity->key.string());
  set("openssl.cafile", identity->ca.string());
}

expected<std::pair<std::string, std::uint16_t>> split_endpoint(const std::string& endpoint) {
  const auto colon = endpoint.rfind(':');
  std::uint16_t port = 0;
  const auto* end = endpoint.data() + endpoint.size();
  if (colon == std::string::npos || colon == 0)
    return fail(errc::invalid, "'" + endpoint + "' is not of the form host:port.");
  const auto [stop, failed] = std::from_chars(endpoint.data() + colon + 1, end, port);
  if (failed != std::errc{} || stop != end)
    return fail(errc::invalid, "'" + endpoint + "' does not end in a port from 0 to 65535.");
  return std::pair{endpoint.substr(0, colon), port};
}

expected<std::uint16_t> publish_scheduler(caf::actor_system& system,
                                          const proto::scheduler_actor& scheduler,
                                          const mesh_options& options) {
  const auto where = split_endpoint(options.listen);
  if (!where) return tl::unexpected(where.error());
  const auto& [host, port] = *where;
  if (!is_loopback(host) && !options.identity && !options.insecure)
    return fail(errc::invalid,
                "The mesh would listen on " + options.listen +
                    " without authentication. Give 'mesh' a certificate, use a loopback address, "
                    "or set 'mesh: {insecure: true}' on a network that nobody else can reach.");
  if (options.insecure) log(log_level::warn, "mesh_insecure", {kv("listen", options.listen)});
  const auto bound = options.identity
                         ? caf::openssl::publish(scheduler, port, host.c_str(), true)
                         : system.middleman().publish(scheduler, port, host.c_str(), true);
  if (!bound)
    return fail(errc::unavailable, "The mesh cannot listen on " + options.listen +
                                       ": the address is taken or not of this machine.");
  if (options.identity)
    if (auto closed =
            check_refuses_strangers(host == "0.0.0.0" ? "127.0.0.1" : host, *bound, stranger_limit);
        !closed)
      return tl::unexpected(closed.error());
  return *bound;
}

}  // namespace coppice::actors
