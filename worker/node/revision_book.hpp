#pragma once

#include "base/error.hpp"
#include "worker/node/convergence.hpp"
#include "worker/node/revision_record.hpp"

#include <optional>
#include <string>

namespace coppice::worker {

/// The revisions of a node: which orders it takes, and what has to be written before it does. One
/// record is written at a time. Pure.
class revision_book {
 public:
  /// @param keeps  there is a file for it; without one every order is refused.
  revision_book(std::string node, revision_record record, bool keeps)
      : node_{std::move(node)}, record_{std::move(record)}, keeps_{keeps} {}

  /// @returns whether the order is new; an old one with the same content needs nothing.
  /// @error `invalid` with the remedy; `unavailable`: another order is being written.
  [[nodiscard]] expected<bool> consider(const proto::desired_state& wanted) const;
  /// Takes a new order, once it is written.
  void take(proto::desired_state wanted);
  void ended(const convergence::outcome& outcome);

  /// The record that is to be written now; nothing while one is being written, or nothing is new.
  [[nodiscard]] std::optional<revision_record> to_write();
  /// The record is written, or cannot be. @returns whether the order in it is taken; nothing if
  /// there was none in it.
  std::optional<bool> written(bool good);

  [[nodiscard]] const revision_record& record() const noexcept { return record_; }
  /// The answer to an order.
  [[nodiscard]] proto::apply_status status() const;

 private:
  std::string node_;
  revision_record record_;
  bool keeps_;
  /// The order that is taken once it is written.
  std::optional<proto::desired_state> order_;
  bool writing_ = false, ordered_in_writing_ = false, stale_ = false;
};

}  // namespace coppice::worker
