#include "worker/node/node_beginning.hpp"

#include <utility>

namespace coppice::worker {

expected<node_beginning> find_beginning(const node_options& options) {
  const proto::desired_state configured{0, options.models, options.serve, options.builtins};
  auto record = options.state.empty()
                    ? revision_record{configured, configured, {}}
                    : read_revision_record(options.state, options.name, configured);
  if (!record) return tl::unexpected(record.error());
  auto models = open_model_set(record->current, options.trusted_keys);
  if (!models) return tl::unexpected(models.error());
  return node_beginning{std::move(*record), std::move(*models)};
}

}  // namespace coppice::worker
