#include "client/cli/child.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coppice::cli {

child::child(std::string role, std::string name, std::vector<std::string> command,
             const std::filesystem::path& folder)
    : role_{std::move(role)},
      name_{std::move(name)},
      command_{std::move(command)},
      folder_{folder} {
  command_.insert(command_.end(),
                  {"--config", config_file().string(), "--ready-file", ready_file().string()});
}

child::~child() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void child::start() {
  std::filesystem::remove(ready_file());
  std::vector<char*> words;
  for (auto& word : command_) words.push_back(word.data());
  words.push_back(nullptr);
  const auto log = log_file().string();
  const auto parent = ::getpid();
  started = now();
  start_at = steady_time::max();
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);  // Ctrl-C is for `up`, which stops its children in order
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(words[0], words.data());
  ::_exit(127);
}

void child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool child::has_ended() {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  pid_ = -1;
  reason_ = WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status)) +
                                      " (SIG" + ::sigabbrev_np(WTERMSIG(status)) + ")"
                                : "exited with status " + std::to_string(WEXITSTATUS(status));
  return true;
}

std::optional<std::string> child::ready() const {
  std::ifstream file{ready_file()};
  if (!file) return std::nullopt;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string child::last_words() const {
  std::ifstream file{log_file()};
  std::string line, last;
  while (std::getline(file, line))
    if (!line.empty()) last = line;
  return last;
}

}  // namespace coppice::cli
