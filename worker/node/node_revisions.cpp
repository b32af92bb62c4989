#include "worker/node/node_revisions.hpp"

#include "base/log.hpp"

#include <caf/send.hpp>

#include <utility>

namespace coppice::worker {

namespace {

proto::error_body body_of(const error& why) {
  return {std::string{code_name(why.code)}, why.message, describe(why.code).retryable,
          why.retry_after_ms};
}

}  // namespace

node_revisions::node_revisions(const std::string& node, node_beginning from, revision_store store,
                               engine_roster& engines)
    : node_{node},
      book_{node, std::move(from.record), static_cast<bool>(store)},
      store_{std::move(store)},
      engines_{engines} {
  models_[book_.record().current.revision] = std::move(from.models);
  if (book_.record().convergence() == "converging") open_target();
}

std::optional<proto::apply_status> node_revisions::answer(const proto::apply_order& order) const {
  const auto is_new = book_.consider(order.desired);
  if (is_new && *is_new && !order.only_ask) return std::nullopt;
  auto status = book_.status();
  if (!is_new && order.only_ask) status.refusal = is_new.error().message;
  if (!is_new && !order.only_ask) status.error = body_of(is_new.error());
  return status;
}

void node_revisions::take(const proto::apply_order& order,
                          std::function<void(proto::apply_status)> tell) {
  book_.take(order.desired);
  tell_ = std::move(tell);
  write();
}

/// One record at a time: what is new by then comes after it.
void node_revisions::write() {
  if (const auto record = book_.to_write())
    caf::anon_send(store_, keep_record{text_of(*record, node_)});
}

void node_revisions::kept(const record_kept& it) {
  const auto taken = book_.written(it.problem.empty());
  if (!it.problem.empty()) log(log_level::error, "revision_not_kept", {kv("reason", it.problem)});
  if (taken && *taken) {
    const auto target = book_.record().target.revision;
    log(log_level::info, "revision_taken", {kv("revision", target)});
    engines_.aim(target);
    open_target();
  }
  if (taken) {
    auto status = book_.status();
    if (!*taken) status.error = body_of({errc::unavailable, it.problem, 0});
    std::exchange(tell_, nullptr)(std::move(status));
  }
  write();
}

void node_revisions::open_target() { caf::anon_send(store_, open_models{book_.record().target}); }

void node_revisions::opened(const models_opened& it) {
  if (it.revision != book_.record().target.revision) return;  // a newer one came meanwhile
  if (!it.models) return engines_.fail(it.revision, it.problem);
  models_[it.revision] = it.models;
  engines_.may_begin(it.revision);
}

void node_revisions::look() {
  const auto outcome = engines_.take_outcome();
  if (!outcome) return;
  book_.ended(*outcome);
  if (outcome->failure.empty())
    log(log_level::info, "revision_converged", {kv("revision", outcome->target)});
  else
    log(log_level::error, "revision_failed",
        {kv("revision", outcome->target), kv("reason", outcome->failure)});
  forget_models();
  write();
}

/// What no engine can be started with any more.
void node_revisions::forget_models() {
  const auto used = engines_.revisions();
  const auto& record = book_.record();
  std::erase_if(models_, [&](const auto& each) {
    return each.first != record.current.revision && each.first != record.target.revision &&
           !used.contains(each.first);
  });
}

shared_model_set node_revisions::models(std::uint64_t revision) const {
  return models_.at(revision);
}

void node_revisions::show_in(proto::node_snapshot& snapshot) const {
  const auto& record = book_.record();
  snapshot.revision = record.current.revision;
  snapshot.target_revision = record.target.revision;
  snapshot.convergence = record.convergence();
  snapshot.convergence_reason = record.failure;
}

}  // namespace coppice::worker
