#include "base/log.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <unistd.h>

namespace coppice {

namespace {

struct log_state {
  std::shared_ptr<spdlog::logger> logger;
  std::string process = "coppice";
  bool terminal = false;
};

log_state& state() {
  static log_state instance;
  return instance;
}

constexpr std::string_view level_names[] = {"debug", "info", "warn", "error"};

std::string as_text(std::string_view event, std::initializer_list<log_field> fields) {
  auto line = std::string{event};
  for (const auto& field : fields) line += fmt::format("  {}={}", field.key, field.value);
  return line;
}

std::string as_json(log_level level, std::string_view event,
                    std::initializer_list<log_field> fields) {
  nlohmann::ordered_json line;
  line["level"] = level_names[static_cast<int>(level)];
  line["process"] = state().process;
  line["event"] = event;
  for (const auto& field : fields) line[std::string{field.key}] = field.value;
  auto text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.erase(text.begin());  // the pattern has written "{" and the time
  return text;
}

}  // namespace

void start_log(std::string_view process, log_level level) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  state().terminal = ::isatty(STDERR_FILENO) == 1;
  state().process = process;
  state().logger = std::make_shared<spdlog::logger>("coppice", sink);
  state().logger->set_pattern(state().terminal
                                  ? fmt::format("%H:%M:%S.%e {} %l %v", process)
                                  : std::string{"{\"time\":\"%Y-%m-%dT%H:%M:%S.%f%z\",%v"});
  state().logger->set_level(static_cast<spdlog::level::level_enum>(static_cast<int>(level) + 1));
  state().logger->flush_on(spdlog::level::info);
}

expected<log_level> log_level_from_name(std::string_view name) {
  for (int i = 0; i < 4; ++i)
    if (level_names[i] == name) return static_cast<log_level>(i);
  return fail(errc::invalid, "A log level is debug, info, warn or error.");
}

bool log_enabled(log_level level) {
  const auto& logger = state().logger;
  return logger &&
         logger->should_log(static_cast<spdlog::level::level_enum>(static_cast<int>(level) + 1));
}

void log(log_level level, std::string_view event, std::initializer_list<log_field> fields) {
  const auto& logger = state().logger;
  const auto spd = static_cast<spdlog::level::level_enum>(static_cast<int>(level) + 1);
  if (!logger || !logger->should_log(spd)) return;
  logger->log(spd, "{}", state().terminal ? as_text(event, fields) : as_json(level, event, fields));
}

}  // namespace coppice
