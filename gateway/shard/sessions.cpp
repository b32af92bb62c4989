#include "gateway/shard/sessions.hpp"

#include <algorithm>
#include <utility>

namespace coppice::gateway {

namespace {

/// Descriptors beyond it are treated as unknown.
constexpr int max_connection = 1 << 20;
/// No tenant has this name: it keeps routing ids and sessions apart.
constexpr std::string_view no_session{"\0routing id", 11};

}  // namespace

name_hash sessions::name_of(std::string_view tenant, std::string_view session,
                            const client_address& from) const {
  return session.empty() ? hash_(no_session, from.routing_id) : hash_(tenant, session);
}

std::uint32_t sessions::find(const name_hash& name) const {
  return index_.find(name, [&](std::uint32_t number) { return clients_[number].name == name; });
}

bool sessions::has_room(int at) const {
  if (at < 0 || at >= max_connection) return false;
  return static_cast<std::size_t>(at) >= connections_.size() ||
         connections_[static_cast<std::size_t>(at)].sessions < limits_.per_connection;
}

std::uint32_t sessions::heard(std::string_view tenant, std::string_view session,
                              const client_address& from) {
  const auto name = name_of(tenant, session, from);
  const auto number = find(name);
  if (number == none) {
    if (session.empty()) return make(name, false, from);
    return has_room(from.connection) ? make(name, true, from) : heard({}, {}, from);
  }
  auto& known = clients_[number];
  if (known.routing_id == from.routing_id && known.connection == from.connection) return number;
  if (known.session && from.routing_id == known.left) return number;
  if (known.session && !has_room(from.connection)) return heard({}, {}, from);
  unbind(number);
  bind(number, from);
  return number;
}

bool sessions::is_session(std::uint32_t number) const noexcept {
  return number < clients_.size() && clients_[number].known && clients_[number].session;
}

std::uint32_t sessions::make(const name_hash& name, bool session, const client_address& from) {
  if (index_.size() >= limits_.clients) return none;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(clients_.size()));
    clients_.emplace_back();
  }
  const auto number = free_.back();
  free_.pop_back();
  auto& made = clients_[number];
  made.name = name;
  made.session = session;
  made.known = true;
  index_.insert(name, number);
  bind(number, from);
  return number;
}

void sessions::bind(std::uint32_t number, const client_address& to) {
  auto& bound = clients_[number];
  if (bound.routing_id != to.routing_id) bound.left = std::move(bound.routing_id);
  bound.routing_id = to.routing_id;
  bound.connection = to.connection < max_connection ? to.connection : -1;
  bound.gone = steady_time::max();
  if (bound.connection < 0) return;
  const auto at = static_cast<std::size_t>(bound.connection);
  if (at >= connections_.size()) connections_.resize(at + 1);
  auto& home = connections_[at];
  bound.before = none;
  bound.after = home.first;
  if (home.first != none) clients_[home.first].before = number;
  home.first = number;
  home.sessions += bound.session;
}

void sessions::unbind(std::uint32_t number) {
  auto& leaving = clients_[number];
  if (leaving.connection < 0) return;
  auto& home = connections_[static_cast<std::size_t>(leaving.connection)];
  (leaving.before == none ? home.first : clients_[leaving.before].after) = leaving.after;
  if (leaving.after != none) clients_[leaving.after].before = leaving.before;
  home.sessions -= leaving.session;
  leaving.connection = -1;
}

void sessions::end(std::uint32_t number) {
  unbind(number);
  auto& over = clients_[number];
  index_.erase(over.name, number);
  if (over.session) ended_.push_back(number);
  const auto generation = over.generation + 1;
  over = {};
  over.generation = generation;
  free_.push_back(number);
}

void sessions::opened(std::uint32_t number, row_id row, bool stream) {
  if (number != none) rows_.add(clients_[number].rows, number, row, stream);
}

void sessions::closed(row_id row) {
  const auto number = rows_.owner(row);
  if (number == none) return;
  auto& owner = clients_[number];
  rows_.remove(owner.rows, row);
  // Nobody will say that it is gone.
  if (!owner.session && owner.connection < 0 && owner.rows.rows == 0) end(number);
}

void sessions::readdress(row_id row, client_address& to) const {
  const auto number = rows_.owner(row);
  if (number == none || !clients_[number].session) return;
  to.routing_id = clients_[number].routing_id;
  to.connection = clients_[number].connection;
}

std::vector<row_id> sessions::rows_of(std::string_view tenant, std::string_view session,
                                      const client_address& from) const {
  std::vector<row_id> rows;
  const auto own = session.empty() ? none : find(name_of(tenant, session, from));
  if (own != none) rows_.collect(clients_[own].rows, true, rows);
  const auto bare = find(name_of({}, {}, from));
  if (bare != none) rows_.collect(clients_[bare].rows, true, rows);
  const auto at = static_cast<std::size_t>(from.connection);
  if (from.connection < 0 || at >= connections_.size()) return rows;
  for (auto each = connections_[at].first; each != none; each = clients_[each].after)
    if (each != own && each != bare && clients_[each].routing_id == from.routing_id)
      rows_.collect(clients_[each].rows, true, rows);
  return rows;
}

std::vector<row_id> sessions::disconnected(int closed, steady_time now) {
  std::vector<row_id> rows;
  const auto at = static_cast<std::size_t>(closed);
  if (closed < 0 || at >= connections_.size()) return rows;
  while (connections_[at].first != none) {
    const auto number = connections_[at].first;
    unbind(number);
    auto& left = clients_[number];
    if (left.session) {
      left.gone = now;
      wait(number, now + limits_.grace);
      continue;
    }
    rows_.collect(left.rows, true, rows);
    if (left.rows.rows == 0) end(number);  // else with its last row
  }
  return rows;
}

void sessions::wait(std::uint32_t number, steady_time until) {
  auto& absent = clients_[number];
  if (absent.waits) return;
  absent.waits = true;
  waiting_.push({until, number, absent.generation});
}

std::vector<row_id> sessions::given_up(steady_time now) {
  std::vector<row_id> rows;
  while (!waiting_.empty() && waiting_.top().at <= now) {
    const auto due = waiting_.top();
    waiting_.pop();
    if (clients_[due.client].generation != due.generation) continue;
    clients_[due.client].waits = false;
    if (clients_[due.client].gone != steady_time::max()) look_at(due.client, now, rows);
  }
  return rows;
}

/// A session without a connection whose time, or some of it, is over.
void sessions::look_at(std::uint32_t number, steady_time now, std::vector<row_id>& out) {
  const auto& absent = clients_[number];
  const auto grace = absent.gone + limits_.grace;
  if (now < grace) return wait(number, grace);  // it had come back and left again
  if (absent.rows.rows == 0) return end(number);
  const auto last = std::max(grace, absent.gone + limits_.stream_grace);
  rows_.collect(absent.rows, now >= last, out);
  // Rows that are cancelled now are gone at the next look, which is never further away than
  // `grace`: one that comes back and leaves again finds it early enough.
  wait(number,
       absent.rows.streams > 0 && now < last ? std::min(last, now + limits_.grace) : now + 1ns);
}

std::vector<std::uint32_t> sessions::take_ended() { return std::exchange(ended_, {}); }

}  // namespace coppice::gateway
