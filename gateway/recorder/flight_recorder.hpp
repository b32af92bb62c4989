#pragma once

#include "gateway/recorder/flight.hpp"
#include "proto/messages/explanation.hpp"

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::gateway {

struct recorder_options {
  std::string gateway = "gateway-1";
  /// Last outcomes, whatever they were.
  std::size_t last = 4096;
  /// On each shelf: those that were slow, those that failed or were tried more than once, and
  /// those that were refused. They outlive the last, and none of these outlives the others.
  std::size_t kept = 2048;
  /// Bytes of the texts on each shelf.
  std::size_t kept_bytes = std::size_t{4} << 20;
  /// Slower than this is slow, whatever the model's 99th percentile.
  duration slow = 1s;
  /// Engines whose names are remembered.
  std::size_t engines = 1024;
  /// Open requests whose lost attempts are remembered.
  std::size_t noted_rows = 20'000;
};

/// Remembers what became of requests, for `coppice explain`: the last ones in a ring, and longer
/// those that were slow, failed, tried more than once or refused. An ordinary success costs a copy
/// into the ring: no allocation while id, key, session and tenant are short. One thread.
class flight_recorder {
 public:
  explicit flight_recorder(recorder_options options = {});

  /// Call once a route. The model lives as long as the recorder.
  flight_model& model(std::string name, std::uint32_t version);
  /// A link was opened: the name for that incarnation.
  void engine(incarnation_id incarnation, std::string name);
  /// An attempt of an open row ended and the row did not. At most 32 a row are kept, the first
  /// ones.
  void attempt_lost(row_id row, lost_flight&& attempt);
  /// The row got its outcome.
  void record(flight_model& of, const flight& ended);
  /// A request was refused before it had a row. @param model  as the client named it.
  void refused(std::string_view model, const flight& ended);

  /// The latest request whose id (as text) or key is `target`. @error `not_found`.
  [[nodiscard]] expected<proto::explanation> explain(std::string_view target,
                                                     steady_time now) const;
  /// A request that is still open, as it is now: `ended` is this moment.
  [[nodiscard]] proto::explanation explain_open(const flight_model& of, const flight& open) const;

  [[nodiscard]] std::size_t kept() const noexcept;
  [[nodiscard]] std::size_t kept_bytes() const noexcept;

 private:
  /// A text that fits; a longer one is in the entry's detail.
  template <std::size_t N>
  struct short_text {
    std::uint8_t size = 0;
    std::array<char, N> text;
    void put(std::string_view from) noexcept {
      size = static_cast<std::uint8_t>(std::min(from.size(), N));
      from.copy(text.data(), size);
    }
    [[nodiscard]] std::string_view view() const noexcept { return {text.data(), size}; }
  };
  /// What few entries have.
  struct detail {
    /// `model`: of a refused request.
    std::string id, key, session, tenant, message, model;
    std::vector<lost_flight> lost;
    [[nodiscard]] std::size_t bytes() const noexcept;
  };
  struct entry {
    const flight_model* model = nullptr;
    steady_time arrived, sent, answered, ended;
    incarnation_id incarnation;
    std::uint64_t batch_us = 0, compute_us = 0;
    std::uint32_t version = 0, batch_rows = 0, attempts = 0, refusals = 0;
    std::optional<errc> code;
    short_text<39> id, key, session;
    short_text<23> tenant;
    short_text<8> priority_class, release;
    std::unique_ptr<detail> more;

    void fill(const flight_model& of, const flight& from) noexcept;
    [[nodiscard]] std::string_view full(std::string detail::*long_text,
                                        std::string_view short_one) const noexcept {
      return more && !((*more).*long_text).empty() ? std::string_view{(*more).*long_text}
                                                   : short_one;
    }
    [[nodiscard]] bool is_called(std::string_view target) const;
  };

  /// Entries that are kept, the oldest first.
  struct shelf {
    std::deque<entry> entries;
    std::size_t bytes = 0;
  };

  [[nodiscard]] static bool fits(const flight& ended) noexcept;
  [[nodiscard]] static entry filled(const flight_model& of, const flight& from,
                                    std::vector<lost_flight>&& lost);
  void keep(shelf& on, entry&& kept) const;
  [[nodiscard]] std::vector<lost_flight> take_lost(row_id row);
  [[nodiscard]] std::string place(incarnation_id incarnation) const;
  [[nodiscard]] std::vector<proto::hop> hops_of(const entry& of) const;
  [[nodiscard]] proto::explanation explained(const entry& of, steady_time now) const;

  recorder_options options_;
  std::deque<flight_model> models_;
  std::unordered_map<incarnation_id, std::string> engines_;
  /// Oldest first.
  std::deque<incarnation_id> engine_order_;
  std::unordered_map<row_id, std::vector<lost_flight>> lost_;
  std::vector<entry> last_;
  std::size_t next_ = 0;
  shelf slow_, failed_, refused_;
  /// The model of what was refused: its name is in the entry's detail.
  flight_model unnamed_;
};

}  // namespace coppice::gateway
