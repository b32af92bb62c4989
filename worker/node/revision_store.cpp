#include "worker/node/revision_store.hpp"

#include "base/durable_file.hpp"

#include <caf/actor_system.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace coppice::worker {

namespace {

revision_store::behavior_type behavior(revision_store::pointer, const std::filesystem::path& file,
                                       const std::vector<std::string>& trusted,
                                       const revision_store_events& events) {
  return {[file, events](const keep_record& it) {
            const auto written = write_durably(file, it.text);
            events.kept({written ? "" : written.error().message});
          },
          [trusted, events](const open_models& it) {
            auto models = open_model_set(it.desired, trusted);
            if (models)
              events.opened({it.desired.revision, std::move(*models), {}});
            else
              events.opened({it.desired.revision, nullptr, models.error().message});
          }};
}

}  // namespace

revision_store spawn_revision_store(caf::actor_system& system, std::filesystem::path file,
                                    std::vector<std::string> trusted,
                                    revision_store_events events) {
  return system.spawn<caf::detached>(behavior, std::move(file), std::move(trusted),
                                     std::move(events));
}

}  // namespace coppice::worker
