#include "gateway/zap/zap_request.hpp"

#include "gateway/admission/tenant_limits.hpp"

namespace coppice::gateway {

namespace {

constexpr std::string_view version = "1.0";
constexpr std::size_t longest_frame = 255;
constexpr std::size_t id_frame = 1, mechanism_frame = 5, name_frame = 6, password_frame = 7;

std::optional<std::string_view> tenant_of(std::span<const std::string_view> frames,
                                          const user_table& users) {
  if (frames.size() <= mechanism_frame || frames[0] != version) return std::nullopt;
  for (const auto& each : frames)
    if (each.size() > longest_frame) return std::nullopt;
  const auto mechanism = frames[mechanism_frame];
  if (mechanism == "NULL" && frames.size() == mechanism_frame + 1) return anonymous;
  if (mechanism != "PLAIN" || frames.size() != password_frame + 1) return std::nullopt;
  return authenticate(users, frames[name_frame], frames[password_frame]);
}

}  // namespace

zap_reply answer_zap(std::span<const std::string_view> frames, const user_table& users) {
  const auto id = frames.size() > id_frame ? frames[id_frame] : std::string_view{};
  if (const auto tenant = tenant_of(frames, users)) return {version, id, "200", "OK", *tenant, ""};
  return {version, id, "400", "Unknown user or wrong password.", "", ""};
}

}  // namespace coppice::gateway
