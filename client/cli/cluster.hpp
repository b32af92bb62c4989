#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "proto/messages/control.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace coppice::cli {

/// Which cluster a verb talks to.
struct cluster_choice {
  std::vector<std::string> endpoints;
  std::string ready_file;
  std::string operator_door;

  /// Adds --endpoint (or COPPICE_ENDPOINT) and --cluster.
  void add_options(CLI::App& verb);
  /// Fills in what the ready file names. @error `invalid` or `unavailable`, with the remedy.
  expected<void> resolve();
};

/// Asks the operator door. @returns the answer's bytes. @error `unavailable` if nothing answers in
/// time.
expected<std::string> ask_door(const std::string& door, const proto::operator_request& request,
                               duration limit);

/// Asks the operator door for the whole cluster. @error `unavailable` if nothing answers in time.
expected<proto::cluster_status> ask_operator(const std::string& door, duration limit);

/// Prints the error and gives the exit code that fits it.
int report(const error& failure);

}  // namespace coppice::cli
