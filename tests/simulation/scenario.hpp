#pragma once

#include "gateway/shard/shard.hpp"
#include "scheduler/cluster_view.hpp"
#include "tests/simulation/paths.hpp"
#include "worker/model/model_spec.hpp"
#include "worker/node/node_supervision.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::simulation {

/// A model and how long one step of it takes; of a model that streams: for one token of each.
struct model_plan {
  worker::model_spec spec;
  duration step{0};
  duration per_row{0};
};

struct gateway_plan {
  machine_id machine = 0;
  bool embeds_scheduler = false;
};

struct scheduler_plan {
  machine_id machine = 0;
  /// Index of the gateway whose process it lives in; -1: a process of its own.
  int gateway = -1;
};

struct engine_plan {
  /// Indices of the models it serves.
  std::vector<std::uint32_t> models;
  /// From process start to ready.
  duration load{0};
};

struct node_plan {
  machine_id machine = 0;
  std::vector<engine_plan> engines;
  /// Its engines are one group: all-for-one.
  bool grouped = false;
};

struct client_plan {
  machine_id machine = 0;
  /// Who it says it is.
  std::string tenant;
};

/// What a request's content makes the model do.
enum class behaviour : std::uint8_t { echo, fail, crash, hang };

struct request_plan {
  duration at{0};
  std::uint32_t client = 0;
  std::uint32_t model = 0;
  std::uint32_t rows = 1;
  duration timeout{0};
  std::string priority_class;
  bool at_most_once = false;
  behaviour does = behaviour::echo;
  /// Requests with the same one have the same content; 0: nobody else's.
  std::uint64_t content = 0;
  /// Of a model that streams: tokens wanted, and the client's window.
  std::uint32_t tokens = 0, window = 0;
  /// Asked after the faults are over and the cluster had time to recover: it must succeed.
  bool calm = false;
  /// When the client cancels it; zero: never.
  duration cancel_after{0};
};

enum class fault_kind : std::uint8_t {
  kill_gateway,
  stop_gateway,    ///< SIGTERM
  kill_scheduler,  ///< or the gateway process it lives in
  kill_worker,
  kill_engine,
  freeze_gateway,
  freeze_scheduler,
  freeze_worker,
  freeze_engine,
  freeze_client,  ///< a client that does not read
  kill_client,
  partition,          ///< between two machines
  isolation,          ///< of one machine
  one_way_partition,  ///< between two machines
  one_way_isolation,  ///< of one machine: it hears and is not heard, or the other way
  cut,                ///< all connections between two machines
  slow_path,
  lossy_path,
  power_off,
  stop_worker,     ///< SIGTERM
  stop_scheduler,  ///< SIGTERM, of the gateway process too if it lives there
  drain_node,      ///< an operator's order, taken back later
  drain_engine,
};
constexpr std::uint32_t fault_kinds = 23;
[[nodiscard]] const char* fault_name(fault_kind kind);

struct fault_plan {
  fault_kind kind = fault_kind::cut;
  duration at{0};
  duration lasts{0};
  /// Index of the gateway, scheduler, node or client; of machines: the machine.
  std::uint32_t target = 0;
  /// Of a pair of machines the other; of a node the engine.
  std::uint32_t other = 0;
  /// one way: which.
  bool inwards = false;
  paths::quality quality;
};

/// Everything that a seed decides before the run.
struct scenario {
  std::uint64_t seed = 0;
  /// Only what an operator does on purpose happens, one after another, under a load that the
  /// engines can bear: every request must succeed.
  bool gentle = false;
  /// Some contents end their engines.
  bool harmful = false;
  std::uint32_t machines = 0;
  paths::quality usual;
  std::vector<gateway_plan> gateways;
  std::vector<scheduler_plan> schedulers;
  std::vector<node_plan> nodes;
  std::vector<client_plan> clients;
  std::vector<model_plan> models;
  std::vector<request_plan> requests;
  std::vector<fault_plan> faults;
  gateway::shard_options shard;
  scheduler::view_options scheduler;
  worker::supervision_options supervision;
  /// Longest time of one step; the worker's drain after SIGTERM.
  duration hang_after{1s};
  duration drain{5s};
  /// Tensors of replies count as so many times their bytes.
  std::size_t reply_weight = 1;
  /// Control messages go through the codec as well.
  bool codec_everywhere = false;
  duration calm_from{0};
  duration ends{0};

  [[nodiscard]] std::string summary() const;
};

/// The scenario of a seed: at least 60 s, 2,000 requests, 10 faults.
[[nodiscard]] scenario draw_scenario(std::uint64_t seed);

}  // namespace coppice::simulation
