// What a call across the mesh costs (docs/adr/0005): asks a running scheduler for placement, as a
// gateway's shard does, with a fixed number of calls in flight.
#include "actors/mesh_identity.hpp"
#include "actors/scheduler_dialler.hpp"
#include "actors/system.hpp"
#include "base/clock.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <vector>

namespace {

using namespace coppice;

constexpr duration patience = 10s;
/// As of a gateway that serves so many models.
constexpr int models = 16;

struct tally {
  std::size_t in_flight = 1;
  duration length{};
  steady_time begin, end;
  std::vector<double> us;
  bool failed = false;
};

proto::place_request demand() {
  proto::place_request asked{
      .gateway = "bench", .shard = 0, .wants = {}, .holdings = {}, .unreachable = {}};
  for (int i = 0; i < models; ++i) {
    const auto model = "a-model-with-a-name-" + std::to_string(i);
    asked.wants.push_back({model, 1, 4, 100'000});
    asked.holdings.push_back({{static_cast<std::uint64_t>(i + 1)}, model, 1, 4, 10, 0, 0, 1000});
  }
  return asked;
}

void call(caf::event_based_actor* self, const proto::scheduler_actor& scheduler,
          const proto::place_request& asked, tally& counted) {
  const auto at = now();
  self->request(scheduler, patience, asked)
      .then(
          [=, &asked, &counted](const proto::place_reply&) {
            counted.us.push_back(std::chrono::duration<double, std::micro>(now() - at).count());
            if (now() < counted.end)
              call(self, scheduler, asked, counted);
            else if (--counted.in_flight == 0)
              self->quit();
          },
          [=, &counted](const caf::error&) {
            counted.failed = true;
            self->quit();
          });
}

/// Calls until the time is over, and waits for the last answers.
void drive(caf::actor_system& system, const proto::scheduler_actor& scheduler, tally& counted) {
  const auto asked = demand();
  counted.begin = now();
  counted.end = counted.begin + counted.length;
  system.spawn([&](caf::event_based_actor* self) {
    for (std::size_t i = 0; i < counted.in_flight; ++i) call(self, scheduler, asked, counted);
  });
  system.await_all_actors_done();
}

void print_figures(tally& counted) {
  auto& us = counted.us;
  std::sort(us.begin(), us.end());
  const auto seconds = std::chrono::duration<double>(now() - counted.begin).count();
  std::printf("{\"calls\": %zu, \"calls_per_s\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
              us.size(), static_cast<double>(us.size()) / seconds, us[us.size() / 2],
              us[us.size() * 99 / 100]);
}

int run(const std::string& endpoint, tally& counted,
        const std::optional<actors::mesh_identity>& identity) {
  const auto where = actors::split_endpoint(endpoint);
  if (!where) return std::fprintf(stderr, "%s\n", where.error().message.c_str()), 2;
  actors::system_config config{identity};
  caf::actor_system system{config};
  std::promise<proto::scheduler_actor> connected;
  auto scheduler = connected.get_future();
  const auto dialler = actors::dial_scheduler(
      system, where->first, where->second,
      {[&](proto::scheduler_actor it) { connected.set_value(std::move(it)); }, [](std::string) {}});
  const auto found = scheduler.wait_for(patience) == std::future_status::ready;
  caf::anon_send_exit(dialler, caf::exit_reason::user_shutdown);
  if (!found) return std::fprintf(stderr, "%s does not answer.\n", endpoint.c_str()), 1;
  drive(system, scheduler.get(), counted);
  if (counted.failed || counted.us.empty()) return std::fprintf(stderr, "A call failed.\n"), 1;
  print_figures(counted);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 7) {
    std::fprintf(stderr,
                 "usage: bench_mesh_calls HOST:PORT IN_FLIGHT SECONDS [CERTIFICATE KEY CA]\n");
    return 2;
  }
  tally counted;
  counted.in_flight = std::max<std::size_t>(1, std::strtoul(argv[2], nullptr, 10));
  counted.length = std::chrono::duration_cast<duration>(
      std::chrono::duration<double>(std::strtod(argv[3], nullptr)));
  std::optional<actors::mesh_identity> identity;
  if (argc == 7) identity = actors::mesh_identity{argv[4], argv[5], argv[6]};
  return run(argv[1], counted, identity);
}
