#include "tests/simulation/engine_instance.hpp"

#include "tests/simulation/payload.hpp"

#include <algorithm>

namespace coppice::simulation {

namespace {

behaviour behaviour_of(const worker::attempt& it) {
  return behaviour_in(it.item.inputs.front().bytes);
}

template <class Parts, class Of>
bool any(const Parts& in, behaviour does, Of of) {
  return std::any_of(in.begin(), in.end(), [&](const auto& each) { return of(each) == does; });
}

behaviour start_behaviour(const worker::sequence_start& it) { return behaviour_in(it.prompt); }

}  // namespace

void engine_instance::begin_step(std::uint32_t rows, duration usual, draws& random,
                                 steady_time now) {
  rows_ = rows;
  step_began_ = now;
  ends_ = now + usual + random.around(usual / 20);
}

// --- batches -------------------------------------------------------------------------------

void engine_instance::begin(worker::batch&& next, draws& random, steady_time now) {
  batch_ = std::move(next);
  began_ = now;
  alone_ = 0;
  begin_step(batch_.rows, plan_.step + batch_.rows * plan_.per_row, random, now);
  mark_.emplace(
      batch_.attempts.size(), [&](std::size_t i) { return batch_.attempts[i].id; }, page_);
  crashes_ = any(batch_.attempts, behaviour::crash, behaviour_of);
  if (!crashes_ && any(batch_.attempts, behaviour::hang, behaviour_of)) ends_ = steady_time::max();
}

bool engine_instance::fails() const { return any(batch_.attempts, behaviour::fail, behaviour_of); }

void engine_instance::begin_alone(draws& random, steady_time now) {
  const auto& it = batch_.attempts[alone_++];
  begin_step(it.item.rows, plan_.step + it.item.rows * plan_.per_row, random, now);
  mark_.emplace(
      1, [&](std::size_t) { return it.id; }, page_);
}

worker::finished_batch engine_instance::whole(steady_time now) {
  worker::finished_batch done;
  for (const auto& each : batch_.attempts) {
    if (behaviour_of(each) == behaviour::fail)
      done.results.emplace_back(fail(errc::model_error, "The content asked for it."));
    else
      done.results.emplace_back(each.item.inputs);
  }
  done.ran = std::move(batch_);
  done.began = began_;
  done.took = now - began_;
  return done;
}

// --- streams -------------------------------------------------------------------------------

void engine_instance::begin(worker::token_step&& next, draws& random, steady_time now) {
  tokens_ = std::move(next);
  began_ = now;
  const auto sequences = static_cast<std::uint32_t>(tokens_.advances.size());
  begin_step(sequences, plan_.step + sequences * plan_.per_row, random, now);
  mark_.emplace(
      tokens_.attempts.size(), [&](std::size_t i) { return tokens_.attempts[i]; }, page_);
  crashes_ = any(tokens_.begins, behaviour::crash, start_behaviour);
  if (!crashes_ && any(tokens_.begins, behaviour::hang, start_behaviour))
    ends_ = steady_time::max();
}

// --- ends ----------------------------------------------------------------------------------

engine_instance::result engine_instance::end(draws& random, steady_time now) {
  mark_.reset();
  ends_ = steady_time::max();
  if (plan_.spec.streams()) {
    worker::progress_page::lane scratch;  // the step is on the real one already
    auto ran = worker::run_token_step(counter_, std::move(tokens_), scratch);
    ran.began = began_;
    ran.took = now - began_;
    return ran;
  }
  if (batch_.attempts.size() > 1 && fails() && alone_ < batch_.attempts.size()) {
    begin_alone(random, now);
    return {};
  }
  return whole(now);
}

void engine_instance::stood(duration lasted) {
  if (ends_ != steady_time::max()) ends_ += lasted;
}

}  // namespace coppice::simulation
