#include "client/cli/doctor/machine.hpp"

#include "client/cli/doctor/listeners.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <spawn.h>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace coppice::cli::doctor {

namespace fs = std::filesystem;

namespace {

constexpr int no_start = 127;

std::string text_of(const fs::path& file) {
  std::ifstream in{file};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

int status_of(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return no_start;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string read_all(int fd) {
  std::string text;
  char part[4096];
  for (ssize_t n; (n = ::read(fd, part, sizeof part)) > 0;)
    text.append(part, static_cast<std::size_t>(n));
  return text;
}

std::uint64_t hard_limit(__rlimit_resource which) {
  rlimit found{};
  ::getrlimit(which, &found);
  return found.rlim_max;
}

/// Whether that process holds the socket.
bool holds(const fs::path& process, const std::string& socket) {
  std::error_code refused;
  for (const auto& each : fs::directory_iterator{process / "fd", refused})
    if (fs::read_symlink(each.path(), refused).string() == socket) return true;
  return false;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

program_answer ask(const fs::path& program, const std::vector<std::string>& arguments) {
  program_answer answer{program.filename().string(), no_start, ""};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return answer;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<std::string> words{program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  const int failed =
      ::posix_spawn(&child, words[0].c_str(), &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  answer.output = failed == 0 ? read_all(ends[0]) : std::strerror(failed);
  ::close(ends[0]);
  if (failed == 0) answer.status = status_of(child);
  return answer;
}

limits read_limits() {
  limits found{hard_limit(RLIMIT_NOFILE), hard_limit(RLIMIT_MEMLOCK), 0};
  std::ifstream{"/proc/sys/net/core/somaxconn"} >> found.waiting_connections;
  return found;
}

std::optional<clock_state> read_clock() {
  timex told{};
  const int state = ::adjtimex(&told);
  if (state < 0) return std::nullopt;
  return clock_state{state != TIME_ERROR && (told.status & STA_UNSYNC) == 0, told.maxerror};
}

devices read_devices() {
  devices found{std::thread::hardware_concurrency(), 0, ""};
  while (fs::exists("/dev/nvidia" + std::to_string(found.gpus))) ++found.gpus;
  const auto driver = text_of("/proc/driver/nvidia/version");
  found.driver = driver.substr(0, driver.find('\n'));
  return found;
}

disk_room read_disk(const fs::path& folder) {
  std::error_code failed;
  const auto room = fs::space(folder, failed);
  return {folder.string(), failed ? 0 : room.available};
}

std::optional<secret_file> read_secret(const fs::path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return std::nullopt;
  return secret_file{file.string(), found.st_mode, found.st_gid};
}

std::string namespace_refusal() {
  const pid_t child = ::fork();
  if (child < 0) return std::strerror(errno);
  if (child == 0) {
    const int made =
        ::geteuid() == 0 ? ::unshare(CLONE_NEWNET) : ::unshare(CLONE_NEWUSER | CLONE_NEWNET);
    ::_exit(made == 0 ? 0 : errno);
  }
  const int status = status_of(child);
  return status == 0 ? "" : std::strerror(status);
}

listeners::listeners() : listeners{"/proc"} {}

listeners::listeners(const fs::path& proc) : proc_{proc} {
  sockets_ = listening(text_of(proc / "net/tcp"));
  sockets_.merge(listening(text_of(proc / "net/tcp6")));
}

std::optional<listener> listeners::at(std::uint16_t port) const {
  const auto found = sockets_.find(port);
  if (found == sockets_.end()) return std::nullopt;
  const auto socket = "socket:[" + std::to_string(found->second) + "]";
  std::error_code refused;
  for (const auto& process : fs::directory_iterator{proc_, refused}) {
    const auto name = process.path().filename().string();
    if (!is_number(name) || !holds(process.path(), socket)) continue;
    auto program = text_of(process.path() / "comm");
    if (program.ends_with('\n')) program.pop_back();
    return listener{std::stoll(name), program};
  }
  return listener{};
}

}  // namespace coppice::cli::doctor
