#include "gateway/shard/request_log.hpp"

#include "base/log.hpp"
#include "proto/codec/codec.hpp"

namespace coppice::gateway {

namespace {

bool is_our_fault(errc code) {
  return code == errc::worker_lost || code == errc::unknown_outcome || code == errc::internal;
}

}  // namespace

std::string shown_id(const proto::raw_value& id) {
  proto::reader number{id.bytes}, text{id.bytes};
  std::uint64_t as_number = 0;
  std::string_view as_text;
  if (id.empty()) return "";
  if (number.read(as_number)) return std::to_string(as_number);
  if (text.read(as_text)) return std::string{as_text};
  std::string digits;
  for (const unsigned char each : id.bytes) digits += fmt::format("{:02x}", each);
  return digits;
}

std::string_view trace_id(std::string_view traceparent) {
  constexpr std::size_t length = 55;  // https://www.w3.org/TR/trace-context/#traceparent-header
  if (traceparent.size() < length || traceparent[2] != '-' || traceparent[35] != '-') return {};
  return traceparent.substr(3, 32);
}

void log_failure(const ledger_row& row, const error& why) {
  const auto level = is_our_fault(why.code) ? log_level::warn : log_level::debug;
  if (!log_enabled(level)) return;
  const auto& header = row.request.header;
  log(level, "request_failed",
      {kv("id", shown_id(header.id)), kv("trace", trace_id(header.traceparent)),
       kv("model", header.model), kv("code", code_name(why.code)), kv("reason", why.message)});
}

void log_lost_attempt(const ledger_row& row, std::string_view reason) {
  if (!log_enabled(log_level::info)) return;
  const auto& header = row.request.header;
  log(log_level::info, "attempt_lost",
      {kv("id", shown_id(header.id)), kv("trace", trace_id(header.traceparent)),
       kv("model", header.model), kv("attempts", row.attempts), kv("reason", reason)});
}

void log_silent_link(std::string_view engine) {
  log(log_level::warn, "link_silent", {kv("engine", engine)});
}

}  // namespace coppice::gateway
