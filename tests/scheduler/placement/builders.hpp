#pragma once

#include "proto/messages/control.hpp"

/// Builders with defaults for scheduler tests.
namespace coppice::scheduler::testing {

inline proto::model_card a_card(std::uint32_t capacity = 8, std::uint32_t max_batch = 4,
                                std::string name = "echo", std::uint32_t version = 1) {
  proto::model_card card;
  card.name = std::move(name);
  card.version = version;
  card.max_batch = max_batch;
  card.capacity_rows = capacity;
  return card;
}

inline proto::engine_state an_engine(std::uint64_t incarnation,
                                     std::vector<proto::model_card> cards = {a_card()}) {
  proto::engine_state engine;
  engine.name = "node/engine-" + std::to_string(incarnation);
  engine.incarnation = {incarnation};
  engine.endpoint = "tcp://127.0.0.1:1";
  engine.verdict = "up";
  engine.models = std::move(cards);
  return engine;
}

inline proto::node_snapshot a_node(std::vector<proto::engine_state> engines,
                                   std::string name = "node", std::uint64_t seq = 1) {
  proto::node_snapshot node;
  node.node = std::move(name);
  node.incarnation = {77};
  node.seq = seq;
  node.engines = std::move(engines);
  return node;
}

inline proto::place_request a_place(std::uint32_t rows, std::vector<proto::holding> holdings = {},
                                    std::string gateway = "gateway") {
  proto::place_request request;
  request.gateway = std::move(gateway);
  if (rows > 0) request.wants.push_back({"echo", 0, rows, 1'000'000});
  request.holdings = std::move(holdings);
  return request;
}

inline proto::holding a_holding(std::uint64_t incarnation, std::uint32_t rows) {
  proto::holding held;
  held.incarnation = {incarnation};
  held.model = "echo";
  held.version = 1;
  held.rows = rows;
  return held;
}

}  // namespace coppice::scheduler::testing
