#pragma once

#include "gateway/shard/waiting_row.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace coppice::gateway {

/// The waiting rows of one class. Tenants share it by weight, counted in cost: start-time fair
/// queueing (Goyal, Vin, Cheng 1996), the tenant with the least start tag is next. Within a tenant
/// the earliest deadline is first. A tenant that comes back keeps the tag it left with, so leaving
/// gains nothing; a tag is forgotten once everybody else has passed it.
/// Push, pop and remove take O(log rows + log tenants). One thread.
class fair_queue {
 public:
  fair_queue() = default;
  fair_queue(const fair_queue&) = delete;
  fair_queue& operator=(const fair_queue&) = delete;

  /// @returns false if the row is in already.
  bool push(const waiting_row& row);
  /// The next row; there must be one.
  [[nodiscard]] const waiting_row& front() const;
  /// Takes out the next row as served: its tenant is charged its cost.
  waiting_row pop();
  /// Takes out a row unserved, by tenant, deadline and row. @returns its cost; 0: it is not here.
  std::uint32_t remove(const waiting_row& row);

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Rows of credit they all need.
  [[nodiscard]] std::uint64_t cost() const noexcept { return cost_; }
  [[nodiscard]] std::size_t rows_of(tenant_id tenant) const noexcept;
  /// Cost that is served before `row` if it is pushed now, in O(1): an estimate that takes
  /// deadlines as spread evenly between the tenant's first and last, and tenants as backlogged.
  [[nodiscard]] std::uint64_t ahead_of(const waiting_row& row) const noexcept;
  /// The row that came last, and the one that came first; null: there is none.
  [[nodiscard]] const waiting_row* newest() const noexcept;
  [[nodiscard]] const waiting_row* oldest() const noexcept;

 private:
  using deadline_key = std::pair<steady_time, row_id>;
  struct place {
    waiting_row row;
    place* older = nullptr;
    place* newer = nullptr;
  };
  struct flow {
    std::map<deadline_key, place> rows;
    std::uint64_t cost = 0;
    /// Start tag of its next row.
    std::uint64_t tag = 0;
    std::uint32_t weight = 1;
  };
  struct turn {
    std::uint64_t tag;
    tenant_id tenant;
    flow* of;
    friend bool operator<(const turn& a, const turn& b) noexcept {
      return a.tag != b.tag ? a.tag < b.tag : a.tenant < b.tenant;
    }
  };
  /// Tag units of a row of weight 1: fine enough for weights to 1000. 64 bits hold half a year of
  /// a million rows a second without one empty moment.
  static constexpr std::uint64_t unit = 1u << 20;

  flow& flow_of(const waiting_row& row);
  void take_out(flow& from, std::map<deadline_key, place>::iterator at);
  void link(place& last) noexcept;
  void unlink(place& gone) noexcept;
  void settle();
  void start_over();
  void forget_all();

  std::unordered_map<tenant_id, flow> flows_;
  /// One for each flow, also for those that only keep a tag; the first is one of those only while
  /// the queue is empty.
  std::set<turn> turns_;
  /// Start tag of what was served last.
  std::uint64_t served_tag_ = 0;
  /// Weight of the tenants with rows.
  std::uint64_t weight_ = 0;
  std::uint64_t cost_ = 0;
  std::size_t size_ = 0;
  place* oldest_ = nullptr;
  place* newest_ = nullptr;
};

}  // namespace coppice::gateway
