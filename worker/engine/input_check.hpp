#pragma once

#include "base/error.hpp"
#include "proto/messages/link.hpp"
#include "worker/model/model.hpp"

#include <memory>
#include <span>
#include <vector>

namespace coppice::worker {

/// One frame behind a header; `owner` keeps `bytes` alive, and goes along with every tensor that
/// points into them.
struct shared_frame {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};
using shared_frames = std::vector<shared_frame>;

/// Checks the inputs of a request against the model and gives them in the model's order, with
/// `data` arrays turned into raw elements. Total: any header and frames give an item or an error.
/// @error `invalid`, one sentence that names the input, what was expected and what came.
expected<batch_item> check_inputs(const model_spec& spec, const proto::link_request& request,
                                  const shared_frames& frames);

/// Elements of `shape`. @error `invalid` for a negative dimension, too high a rank or too many.
expected<std::uint64_t> element_count(const std::string& name,
                                      const std::vector<std::int64_t>& shape);

}  // namespace coppice::worker
