#pragma once

#include "proto/messages/control.hpp"
#include "proto/messages/link.hpp"
#include "worker/engine/progress_page.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace coppice::worker {

/// A real coppice-engine with a control socket and a shared page, as a worker starts it.
class engine_process {
 public:
  explicit engine_process(std::vector<std::string> arguments);
  /// Kills it if it still runs.
  ~engine_process();
  engine_process(const engine_process&) = delete;
  engine_process& operator=(const engine_process&) = delete;

  /// The next report with that op, others skipped; waits at most 20 s.
  std::optional<proto::engine_report> report(const std::string& op);
  void close_control();
  void signal(int number) const;
  /// Waits for its end, at most 20 s. @returns waitpid's status, -1 if it did not end.
  int wait_end();
  [[nodiscard]] const progress_page& page() const { return *page_; }

 private:
  bool read_exactly(char* to, std::size_t size);

  pid_t pid_ = -1;
  int control_ = -1;
  int page_fd_ = -1;
  const progress_page* page_ = nullptr;
};

/// A gateway shard's end of the link: a ROUTER, as the real one.
class link_peer {
 public:
  explicit link_peer(const proto::engine_report& ready);
  ~link_peer();
  link_peer(const link_peer&) = delete;
  link_peer& operator=(const link_peer&) = delete;

  void send(proto::link_request request, const std::vector<std::string_view>& frames = {});
  /// `hello` with the right key.
  void hello();
  /// An `infer` of one UINT8 input "x" with those bytes.
  void infer(std::uint64_t attempt, const std::string& model, const std::string& bytes,
             proto::raw_value parameters = {},
             std::chrono::microseconds timeout = std::chrono::seconds{20}, bool alone = false);
  /// A `generate` of `count` with the prompt [7], in chunks.
  void generate(std::uint64_t attempt, proto::raw_value parameters, std::uint32_t window,
                proto::raw_value emitted = {});

  struct message {
    proto::link_reply header;
    std::vector<std::string> frames;
  };
  /// The header of the next message, its frames dropped: for measuring.
  std::optional<proto::link_reply> receive_header();
  /// The next message; nothing within `limit`.
  std::optional<message> receive(std::chrono::milliseconds limit = std::chrono::seconds{20});

 private:
  std::string engine_;
  std::string key_;
  incarnation_id incarnation_;
  void* context_;
  void* socket_;
};

}  // namespace coppice::worker
