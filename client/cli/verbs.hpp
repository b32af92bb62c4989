#pragma once

#include <CLI/CLI.hpp>

/// The verbs of the `coppice` command. Each adds its subcommand and sets `exit_code` when it ran.
namespace coppice::cli {

/// Exit codes, documented in docs/operations.md.
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;
/// No gateway or operator door answers.
inline constexpr int exit_unreachable = 3;
/// The cluster answered with an error.
inline constexpr int exit_refused = 4;

void add_up(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_bench(CLI::App& app, int& exit_code);
void add_predict(CLI::App& app, int& exit_code);
void add_models(CLI::App& app, int& exit_code);
void add_check(CLI::App& app, int& exit_code);
void add_drain(CLI::App& app, int& exit_code);
void add_undrain(CLI::App& app, int& exit_code);
void add_explain(CLI::App& app, int& exit_code);
void add_apply(CLI::App& app, int& exit_code);
void add_diff(CLI::App& app, int& exit_code);
void add_keys(CLI::App& app, int& exit_code);
void add_sign(CLI::App& app, int& exit_code);
void add_doctor(CLI::App& app, int& exit_code);

}  // namespace coppice::cli
