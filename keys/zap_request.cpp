#include "keys/zap_request.hpp"

namespace coppice {

namespace {

constexpr std::string_view version = "1.0";
constexpr std::size_t longest_frame = 255;
constexpr std::size_t id_frame = 1, mechanism_frame = 5, name_frame = 6, password_frame = 7;
constexpr std::size_t key_frame = 6;

std::optional<std::string> name_of(std::span<const std::string_view> frames, zap_judge& judge) {
  if (frames.size() <= mechanism_frame || frames[0] != version) return std::nullopt;
  for (const auto& each : frames)
    if (each.size() > longest_frame) return std::nullopt;
  const auto mechanism = frames[mechanism_frame];
  if (mechanism == "PLAIN" && frames.size() == password_frame + 1)
    return judge.by_password(frames[name_frame], frames[password_frame]);
  if (mechanism != "CURVE" || frames.size() != key_frame + 1) return std::nullopt;
  const auto key = public_key::from_bytes(frames[key_frame]);
  return key ? judge.by_key(*key) : std::nullopt;
}

}  // namespace

zap_reply answer_zap(std::span<const std::string_view> frames, zap_judge& judge) {
  const std::string own{version};
  const std::string id{frames.size() > id_frame ? frames[id_frame] : std::string_view{}};
  if (auto name = name_of(frames, judge)) return {own, id, "200", "OK", std::move(*name), ""};
  return {own, id, "400", "Unknown user or key, or a wrong password.", "", ""};
}

}  // namespace coppice
