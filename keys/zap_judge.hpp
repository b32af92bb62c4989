#pragma once

#include "keys/key_pair.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coppice {

/// Decides who may connect. Called by a `zap_handler` on its thread.
class zap_judge {
 public:
  virtual ~zap_judge() = default;
  /// The name of who has that password or that key, which libzmq gives to every message of the
  /// connection (`User-Id`); nothing: not to be let in.
  [[nodiscard]] virtual std::optional<std::string> by_password(std::string_view name,
                                                               std::string_view password) = 0;
  [[nodiscard]] virtual std::optional<std::string> by_key(const public_key& key) = 0;
  /// Called several times a second: time to see whether anything has changed.
  virtual void look() {}
};

}  // namespace coppice
