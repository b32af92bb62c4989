#pragma once

#include "proto/messages/field.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::proto {

/// Most hops of one explanation; what a request did beyond them is summed up in the last.
inline constexpr std::size_t max_hops = 64;
/// Longest text of one hop, bytes.
inline constexpr std::size_t max_hop_text = 256;

/// One stretch of a request's time at its gateway. Hops follow each other without gap or overlap:
/// their times add up to the total.
struct hop {
  /// wait (for credit, or held back), attempt (one that gave no outcome), link (there and back),
  /// queue (the engine's), compute, deliver (a stream whose client had not read all of it).
  std::string what;
  std::uint64_t took_us = 0;
  /// The engine, and its incarnation in hexadecimal digits; empty for a wait.
  std::string where;
  /// How it ended, or what is known of it: a reason, a verdict, the batch.
  std::string text;

  static constexpr auto fields() {
    return std::tuple{field{"what", &hop::what}, field{"took_us", &hop::took_us},
                      field{"where", &hop::where}, field{"text", &hop::text}};
  }
};

/// What a gateway's flight recorder knows of one request: the answer of the operator door's
/// `explain`. At most 64 KiB encoded.
struct explanation {
  /// As text: what the client called it.
  std::string id;
  std::string key;
  std::string session;
  std::string tenant;
  std::string gateway;
  std::string model;
  std::uint32_t version = 0;
  std::string priority_class;
  /// completed, the error code, or open: it has no outcome yet.
  std::string outcome;
  /// The error's sentence.
  std::string message;
  /// How long ago it ended.
  std::uint64_t ended_ago_us = 0;
  std::uint64_t total_us = 0;
  std::uint32_t attempts = 0;
  /// Attempts that an engine refused because it was full; not among `attempts`.
  std::uint32_t refusals = 0;
  std::vector<hop> hops;
  /// Other requests of that id or key which the recorder knows; this one is the latest.
  std::uint32_t others = 0;

  static constexpr auto fields() {
    return std::tuple{field{"id", &explanation::id},
                      field{"key", &explanation::key},
                      field{"session", &explanation::session},
                      field{"tenant", &explanation::tenant},
                      field{"gateway", &explanation::gateway},
                      field{"model", &explanation::model},
                      field{"version", &explanation::version},
                      field{"class", &explanation::priority_class},
                      field{"outcome", &explanation::outcome},
                      field{"message", &explanation::message},
                      field{"ended_ago_us", &explanation::ended_ago_us},
                      field{"total_us", &explanation::total_us},
                      field{"attempts", &explanation::attempts},
                      field{"refusals", &explanation::refusals},
                      field{"hops", &explanation::hops},
                      field{"others", &explanation::others}};
  }
};

}  // namespace coppice::proto
