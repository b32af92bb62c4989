#include "worker/node/model_set.hpp"

#include "base/log.hpp"

#include <utility>

namespace coppice::worker {

expected<shared_model_set> open_model_set(const proto::desired_state& desired,
                                          const std::vector<std::string>& trusted) {
  if (trusted.empty() || desired.models.empty())
    return std::make_shared<const model_set>(model_set{desired, desired.models});
  auto verified = verified_models::open(desired.models, trusted);
  if (!verified) return tl::unexpected(verified.error());
  log(log_level::info, "models_verified",
      {kv("folder", desired.models), kv("files", verified->files().size())});
  auto shared = std::make_shared<const verified_models>(std::move(*verified));
  return std::make_shared<const model_set>(model_set{desired, shared->folder(), shared});
}

}  // namespace coppice::worker
