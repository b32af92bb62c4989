#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <string>

namespace coppice::actors {

/// Asks an actor from a thread that is none, and waits at most for `limit`.
/// @error `unavailable`: "<who> does not answer."
template <class Answer, class Actor, class... Question>
expected<Answer> ask(caf::actor_system& system, const Actor& actor, const std::string& who,
                     duration limit, const Question&... question) {
  caf::scoped_actor self{system};
  expected<Answer> answer = fail(errc::unavailable, who + " does not answer.");
  self->request(actor, limit, question...)
      .receive([&](Answer& got) { answer = std::move(got); }, [](caf::error&) {});
  return answer;
}

}  // namespace coppice::actors
