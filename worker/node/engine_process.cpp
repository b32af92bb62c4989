#include "worker/node/engine_process.hpp"

#include "worker/engine/step_times.hpp"
#include "worker/node/verified_models.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <utility>

namespace coppice::worker {

namespace {

constexpr int child_control = 3;
constexpr int child_page = 4;
constexpr int child_times = 5;
static_assert(child_times + 1 == verified_models::first_descriptor);
/// Above all that an engine gets.
constexpr int first_free = verified_models::first_descriptor + verified_models::most_files;

/// What a child needs, made before the fork: after it only async-signal-safe calls are allowed.
struct child_ends {
  descriptor control, page, error;
  const engine_start& how;
  /// Where the model files lie while their numbers are taken.
  std::vector<int> lifted_files;
  std::vector<char*> arguments;
};

/// Moves descriptors out of the way of the numbers they are to get.
int lifted(int fd) { return ::fcntl(fd, F_DUPFD, first_free); }

void place_files(const child_ends& ends) {
  auto& files = const_cast<std::vector<int>&>(ends.lifted_files);
  for (std::size_t i = 0; i < files.size(); ++i) files[i] = lifted(ends.how.files[i]);
  for (std::size_t i = 0; i < files.size(); ++i)
    ::dup2(files[i], verified_models::first_descriptor + static_cast<int>(i));
}

bool limit(int what, std::uint64_t most) {
  const rlimit wanted{most, most};
  return most == 0 || ::setrlimit(static_cast<__rlimit_resource>(what), &wanted) == 0;
}

/// For good: what the engine runs must not come back to what the worker may do.
bool become_user(const engine_start& how) {
  if (!how.user) return true;
  const auto [user, group] = *how.user;
  return ::setgroups(0, nullptr) == 0 && ::setresgid(group, group, group) == 0 &&
         ::setresuid(user, user, user) == 0;
}

[[noreturn]] void become_engine(const child_ends& ends, pid_t parent) {
  const int control = lifted(ends.control.get()), page = lifted(ends.page.get());
  const int error = lifted(ends.error.get()), times = lifted(ends.how.times);
  ::dup2(error, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  ::dup2(control, child_control);
  ::dup2(page, child_page);
  ::dup2(times, child_times);
  place_files(ends);
  const auto files = static_cast<int>(ends.how.files.size());
  ::syscall(SYS_close_range, verified_models::first_descriptor + files, ~0u, 0);
  if (!limit(RLIMIT_DATA, ends.how.memory_bytes) || !limit(RLIMIT_NPROC, ends.how.tasks) ||
      !become_user(ends.how))
    ::_exit(126);
  // After the user: a change of that forgets it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  // Whatever its worker may do beyond its user's rights, models may not.
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(ends.arguments[0], ends.arguments.data());
  ::_exit(127);
}

progress_page* map(int fd) {
  void* page = ::mmap(nullptr, sizeof(progress_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return page == MAP_FAILED ? nullptr : static_cast<progress_page*>(page);
}

tl::unexpected<error> system_failure(const std::string& what) {
  return fail(errc::unavailable, what + ": " + std::strerror(errno) + ".");
}

}  // namespace

shared_step_times make_step_times() {
  descriptor made{::memfd_create("coppice-step-times", MFD_CLOEXEC)};
  if (made && ::ftruncate(made.get(), sizeof(step_times)) != 0) made.reset();
  return std::make_shared<const descriptor>(std::move(made));
}

expected<engine_process> engine_process::start(const engine_start& how) {
  if (how.look_first)
    if (auto good = how.look_first(); !good) return tl::unexpected(good.error());
  int sockets[2], pipes[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return system_failure("The control socket cannot be made");
  engine_process made;
  child_ends ends{{}, {}, {}, how, std::vector<int>(how.files.size()), {}};
  made.control_ = descriptor{sockets[0]};
  ends.control = descriptor{sockets[1]};
  if (::pipe2(pipes, O_CLOEXEC) != 0) return system_failure("The pipe for messages cannot be made");
  made.error_ = descriptor{pipes[0]};
  ends.error = descriptor{pipes[1]};
  ends.page = descriptor{::memfd_create("coppice-progress", MFD_CLOEXEC)};
  if (!ends.page || ::ftruncate(ends.page.get(), sizeof(progress_page)) != 0 ||
      (made.page_ = map(ends.page.get())) == nullptr)
    return system_failure("The shared page cannot be made");
  auto command = how.command;
  command.insert(command.end(), {"--control-fd", std::to_string(child_control), "--page-fd",
                                 std::to_string(child_page)});
  if (how.times >= 0) command.insert(command.end(), {"--times-fd", std::to_string(child_times)});
  if (!how.files.empty())
    command.insert(command.end(), {"--model-files", std::to_string(how.files.size())});
  for (auto& word : command) ends.arguments.push_back(word.data());
  ends.arguments.push_back(nullptr);
  const auto parent = ::getpid();
  made.pid_ = ::fork();
  if (made.pid_ == 0) become_engine(ends, parent);
  if (made.pid_ < 0) return system_failure("The engine cannot be forked");
  made.pidfd_ = descriptor{static_cast<int>(::syscall(SYS_pidfd_open, made.pid_, 0))};
  ::fcntl(made.error_.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(made.control_.get(), F_SETFL, O_NONBLOCK);
  return made;
}

engine_process::engine_process(engine_process&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)},
      pidfd_{std::move(other.pidfd_)},
      control_{std::move(other.control_)},
      error_{std::move(other.error_)},
      page_{std::exchange(other.page_, nullptr)} {}

engine_process::~engine_process() {
  if (pid_ > 0) {
    signal(SIGKILL);
    (void)reap();
  }
  if (page_ != nullptr) ::munmap(page_, sizeof(progress_page));
}

void engine_process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool engine_process::is_halted() const {
  siginfo_t found{};
  return pid_ > 0 &&
         ::waitid(P_PID, static_cast<id_t>(pid_), &found, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
         found.si_pid == pid_;
}

int engine_process::reap() {
  int status = 0;
  const auto pid = std::exchange(pid_, -1);
  if (pid > 0) ::waitpid(pid, &status, 0);
  return status;
}

}  // namespace coppice::worker
