#pragma once

#include "proto/messages/control.hpp"

namespace coppice::worker {

/// The engine's end of the socket to its worker. Frames: 4-byte big-endian length, then msgpack.
class control_pipe {
 public:
  /// Takes over `fd`; -1 makes a pipe that says nothing.
  explicit control_pipe(int fd) noexcept : fd_{fd} {}
  ~control_pipe();
  control_pipe(const control_pipe&) = delete;
  control_pipe& operator=(const control_pipe&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// Blocks while the worker does not read. @returns false once the worker is gone.
  bool send(const proto::engine_report& report);

 private:
  int fd_;
};

}  // namespace coppice::worker
