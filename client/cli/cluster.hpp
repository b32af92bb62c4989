#pragma once

#include "base/clock.hpp"
#include "base/error.hpp"
#include "client/client.hpp"
#include "proto/messages/control.hpp"
#include "proto/messages/explanation.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace coppice::cli {

/// Which cluster a verb talks to.
struct cluster_choice {
  std::vector<std::string> endpoints;
  /// Of gateways that ask for keys; empty: none.
  std::string key_file;
  std::string ready_file;
  /// Where orders go, and who tells of the cluster: the first gateway's.
  std::string operator_door;
  /// Of every gateway: each knows its own requests.
  std::vector<std::string> operator_doors;

  /// Adds --endpoint (or COPPICE_ENDPOINT), --key-file (or COPPICE_KEY_FILE), --operator (or
  /// COPPICE_OPERATOR) and --cluster.
  void add_options(CLI::App& verb);
  /// Fills in what the ready file names. @error `invalid` or `unavailable`, with the remedy.
  expected<void> resolve();
  /// The same for verbs that only operators have. @error as above, or that no operator door is
  /// named.
  expected<void> resolve_operator();
  /// For the client library, after `resolve`.
  [[nodiscard]] client::client_options client() const;
};

/// Asks one operator door for the whole cluster. @error `unavailable` if nothing answers in time;
/// what the cluster answers as an error.
expected<proto::cluster_status> ask_operator(const std::string& door, duration limit);

/// The whole cluster, from the first gateway whose operator door answers, with the figures of all
/// that do. @param limit  for each. @error as above, the last one's.
expected<proto::cluster_status> ask_status(const cluster_choice& cluster, duration limit);

/// Gives an order through the operator door. @returns how far it has come. @error as above.
expected<proto::drain_status> order_drain(const std::string& door, const proto::drain_order& order,
                                          duration limit);

/// Gives one node an order, or asks it, through the first operator door that answers; again for up
/// to `patience` while the node does not. @error as above.
expected<proto::apply_status> order_apply(const cluster_choice& cluster,
                                          const proto::apply_order& order, duration patience = 10s);

/// Asks the operator door what became of the request of that id or key. @error as above;
/// `not_found` if that gateway remembers none.
expected<proto::explanation> ask_explanation(const std::string& door, const std::string& target,
                                             duration limit);

/// Prints the error and gives the exit code that fits it.
int report(const error& failure);

/// The same for what is wrong with the command itself.
int report_usage(const error& failure);

/// The same for verbs that need no cluster, so that nothing else than failure fits.
int report_failure(const error& failure);

}  // namespace coppice::cli
