#pragma once

#include "proto/messages/control.hpp"

#include <string>

namespace coppice::worker {

/// The engine's end of the socket to its worker. Frames: 4-byte big-endian length, then msgpack.
class control_pipe {
 public:
  /// Takes over `fd`; -1 makes a pipe that says nothing.
  explicit control_pipe(int fd) noexcept : fd_{fd} {}
  ~control_pipe();
  control_pipe(const control_pipe&) = delete;
  control_pipe& operator=(const control_pipe&) = delete;

  /// Blocks while the worker does not read. @returns false once the worker is gone.
  bool send(const proto::engine_report& report);
  /// Never blocks: while the worker has not read what came before, the report is dropped.
  void offer(const proto::engine_report& report);

 private:
  void put_in_frame(const proto::engine_report& report);
  /// Sends what is left of the frame. @returns whether nothing is.
  bool flush(int flags);

  int fd_;
  /// The frame that is being sent, and how much of it is.
  std::string frame_;
  std::size_t sent_ = 0;
};

}  // namespace coppice::worker
