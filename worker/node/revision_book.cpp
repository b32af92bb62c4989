#include "worker/node/revision_book.hpp"

#include "base/cut_text.hpp"
#include "proto/codec/codec.hpp"

#include <algorithm>
#include <utility>

namespace coppice::worker {

namespace {

/// Of a failure, in snapshots and in the file.
constexpr std::size_t max_reason = 1024;

std::string text(std::uint64_t revision) { return std::to_string(revision); }

tl::unexpected<error> refuse(std::string sentence) {
  return fail(errc::invalid, std::move(sentence));
}

bool is_absolute(const std::string& path) { return path.starts_with('/'); }

/// Whatever a door let through: a node takes only what its engines can be started with.
expected<void> check(const std::string& node, const proto::desired_state& wanted) {
  if (wanted.revision == 0) return refuse("'revision' must be a whole number from 1.");
  if (proto::encode(wanted).size() > proto::max_desired_bytes)
    return refuse("What " + node + " is to serve takes more than " +
                  std::to_string(proto::max_desired_bytes) +
                  " bytes. Leave 'serve' out to serve all of a folder.");
  if (wanted.models.empty() && wanted.builtins.empty())
    return refuse(node +
                  " would serve nothing. Name 'models' or 'builtins'; 'coppice drain' takes a "
                  "node out of service.");
  if (wanted.models.size() > proto::max_path_bytes ||
      (!wanted.models.empty() && !is_absolute(wanted.models)))
    return refuse("'models' must be an absolute path of at most " +
                  std::to_string(proto::max_path_bytes) +
                  " bytes: it is looked up on the node's "
                  "machine.");
  if (wanted.models.empty() && !wanted.serve.empty())
    return refuse("'serve' names models of a repository, and there is no 'models'.");
  return {};
}

}  // namespace

expected<bool> revision_book::consider(const proto::desired_state& wanted) const {
  if (!keeps_)
    return refuse(node_ +
                  " keeps no revisions. Set 'state: PATH' in the configuration of its "
                  "worker and start it again.");
  if (auto good = check(node_, wanted); !good) return tl::unexpected(good.error());
  const auto& own = record_.target;
  if (wanted.revision == own.revision) {
    if (same_content(wanted, own)) return false;
    return refuse(node_ + " has revision " + text(own.revision) +
                  " with another content. Raise 'revision' above " + text(own.revision) + ".");
  }
  if (wanted.revision < own.revision)
    return refuse(node_ + " has revision " + text(own.revision) + ", and " + text(wanted.revision) +
                  " is older. Raise 'revision' above " + text(own.revision) + ".");
  if (order_)
    return fail(errc::unavailable,
                node_ + " is writing revision " + text(order_->revision) + ". Ask again.");
  return true;
}

void revision_book::take(proto::desired_state wanted) { order_ = std::move(wanted); }

void revision_book::ended(const convergence::outcome& outcome) {
  if (outcome.target != record_.target.revision) return;
  record_.failure = cut_text(outcome.failure, max_reason);
  if (outcome.failure.empty()) record_.current = record_.target;
  stale_ = true;
}

std::optional<revision_record> revision_book::to_write() {
  if (!keeps_ || writing_ || (!order_ && !stale_)) return std::nullopt;
  writing_ = true;
  stale_ = false;
  ordered_in_writing_ = order_.has_value();
  return order_ ? revision_record{record_.current, *order_, {}} : record_;
}

std::optional<bool> revision_book::written(bool good) {
  writing_ = false;
  if (!std::exchange(ordered_in_writing_, false)) return std::nullopt;
  auto order = std::exchange(order_, std::nullopt);
  if (!good) return false;
  record_.target = std::move(*order);
  record_.failure.clear();
  return true;
}

proto::apply_status revision_book::status() const {
  return {node_,
          record_.current,
          record_.target,
          std::string{record_.convergence()},
          record_.failure,
          {},
          {}};
}

}  // namespace coppice::worker
