#pragma once

#include "proto/messages/control.hpp"
#include "worker/node/engine_roster.hpp"
#include "worker/node/local_messages.hpp"
#include "worker/node/node_beginning.hpp"
#include "worker/node/revision_book.hpp"
#include "worker/node/revision_store.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace coppice::worker {

/// Carries between the node's revision book, its store and its engines: an order is written, then
/// taken, then its models are opened, then the engines converge to it. Belongs to the node actor.
class node_revisions {
 public:
  /// @param store  null: the node keeps no revisions. @param engines  outlive it.
  node_revisions(const std::string& node, node_beginning from, revision_store store,
                 engine_roster& engines);

  /// The answer to an order that needs nothing to be written first.
  [[nodiscard]] std::optional<proto::apply_status> answer(const proto::apply_order& order) const;
  /// Takes another order. @param tell  called with the answer once it is written.
  void take(const proto::apply_order& order, std::function<void(proto::apply_status)> tell);
  void kept(const record_kept& it);
  void opened(const models_opened& it);
  /// Looks what became of the target. Call it after whatever happened to an engine.
  void look();

  /// For an engine that is to be started with that revision.
  [[nodiscard]] shared_model_set models(std::uint64_t revision) const;
  void show_in(proto::node_snapshot& snapshot) const;

 private:
  void write();
  void open_target();
  void forget_models();

  std::string node_;
  revision_book book_;
  revision_store store_;
  engine_roster& engines_;
  std::map<std::uint64_t, shared_model_set> models_;
  std::function<void(proto::apply_status)> tell_;
};

}  // namespace coppice::worker
