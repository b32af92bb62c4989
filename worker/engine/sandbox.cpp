#include "worker/engine/sandbox.hpp"

#include "base/descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/landlock.h>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coppice::worker {

namespace {

constexpr std::uint64_t read_file = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t read_folder = read_file | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t write_file = read_file | LANDLOCK_ACCESS_FS_WRITE_FILE;
/// What the first version of Landlock knows: nothing is allowed but by a rule.
constexpr std::uint64_t all =
    read_folder | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
/// What a scratch folder is for.
constexpr std::uint64_t write_folder =
    all & ~(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK);

/// Starting programs and processes, looking into others, changing what the machine is. Sockets that
/// are open go on, and so do pairs (socketpair) of libraries that talk to themselves; a new one
/// could send datagrams without `connect`.
constexpr int forbidden_calls[] = {SCMP_SYS(execve),
                                   SCMP_SYS(execveat),
                                   SCMP_SYS(fork),
                                   SCMP_SYS(vfork),
                                   SCMP_SYS(ptrace),
                                   SCMP_SYS(process_vm_readv),
                                   SCMP_SYS(process_vm_writev),
                                   SCMP_SYS(pidfd_open),
                                   SCMP_SYS(pidfd_getfd),
                                   SCMP_SYS(pidfd_send_signal),
                                   SCMP_SYS(tkill),
                                   SCMP_SYS(rt_sigqueueinfo),
                                   SCMP_SYS(socket),
                                   SCMP_SYS(connect),
                                   SCMP_SYS(bind),
                                   SCMP_SYS(listen),
                                   SCMP_SYS(io_uring_setup),
                                   SCMP_SYS(mount),
                                   SCMP_SYS(umount2),
                                   SCMP_SYS(pivot_root),
                                   SCMP_SYS(chroot),
                                   SCMP_SYS(unshare),
                                   SCMP_SYS(setns),
                                   SCMP_SYS(open_by_handle_at),
                                   SCMP_SYS(bpf),
                                   SCMP_SYS(perf_event_open),
                                   SCMP_SYS(userfaultfd),
                                   SCMP_SYS(add_key),
                                   SCMP_SYS(request_key),
                                   SCMP_SYS(keyctl),
                                   SCMP_SYS(init_module),
                                   SCMP_SYS(finit_module),
                                   SCMP_SYS(delete_module),
                                   SCMP_SYS(kexec_load),
                                   SCMP_SYS(reboot),
                                   SCMP_SYS(swapon),
                                   SCMP_SYS(swapoff),
                                   SCMP_SYS(settimeofday),
                                   SCMP_SYS(clock_settime),
                                   SCMP_SYS(sethostname),
                                   SCMP_SYS(acct),
                                   SCMP_SYS(quotactl)};

tl::unexpected<error> cannot(const std::string& what) {
  return fail(errc::unavailable,
              "The engine cannot be confined: " + what + ": " + std::strerror(errno) +
                  ". Use a Linux with Landlock and seccomp, or set 'sandbox: off'.");
}

bool allow(const descriptor& rules, int file, std::uint64_t access) {
  const landlock_path_beneath_attr rule{access, file};
  return ::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

/// A path that is not there needs no rule.
bool allow(const descriptor& rules, const std::filesystem::path& path, std::uint64_t of_file,
           std::uint64_t of_folder) {
  const descriptor at{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!at) return errno == ENOENT;
  struct stat found {};
  ::fstat(at.get(), &found);
  return allow(rules, at.get(), S_ISDIR(found.st_mode) ? of_folder : of_file);
}

expected<void> confine_files(const sandbox_rules& given) {
  const landlock_ruleset_attr handled{.handled_access_fs = all};
  const descriptor rules{
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0))};
  if (!rules) return cannot("Landlock");
  for (const auto& each : given.readable)
    if (!allow(rules, each, read_file, read_folder)) return cannot(each.string());
  for (const auto& each : given.writable)
    if (!allow(rules, each, write_file, write_folder)) return cannot(each.string());
  for (const auto each : given.open_files)
    if (!allow(rules, each, read_file)) return cannot("an open file");
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return cannot("Landlock");
  return {};
}

using filter = std::unique_ptr<void, decltype(&seccomp_release)>;
constexpr auto deny = SCMP_ACT_ERRNO(EPERM);

/// Threads are made by `clone` with CLONE_THREAD; anything else would be a process. `clone3` hides
/// its flags from filters: "no such call" makes the C library use `clone`.
int forbid_processes(void* calls) {
  int failed = seccomp_rule_add(calls, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  failed |= seccomp_rule_add(calls, deny, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  return failed;
}

/// What a process asks of itself goes on: `raise`, an abort.
int forbid_signals_to_others(void* calls) {
  const auto own = static_cast<scmp_datum_t>(::getpid());
  int failed = seccomp_rule_add(calls, deny, SCMP_SYS(kill), 1, SCMP_A0(SCMP_CMP_NE, own));
  failed |= seccomp_rule_add(calls, deny, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_NE, own));
  return failed;
}

expected<void> confine_calls() {
  const filter calls{seccomp_init(SCMP_ACT_ALLOW), &seccomp_release};
  int failed = calls == nullptr ? 1 : 0;
  for (const auto each : forbidden_calls)
    if (!failed) failed |= seccomp_rule_add(calls.get(), deny, each, 0);
  if (!failed) failed = forbid_processes(calls.get()) | forbid_signals_to_others(calls.get());
  if (failed || seccomp_load(calls.get()) != 0) return cannot("seccomp");
  return {};
}

}  // namespace

sandbox_rules usual_rules(const std::filesystem::path& own_folder) {
  sandbox_rules rules;
  rules.readable = {"/usr",
                    "/lib",
                    "/lib64",
                    "/etc/ld.so.cache",
                    "/etc/localtime",
                    "/proc",
                    "/sys/devices/system",
                    "/dev/urandom",
                    "/dev/zero",
                    own_folder,
                    own_folder.parent_path() / "lib"};
  rules.writable = {"/dev/null"};
  std::error_code none;
  for (const auto& each : std::filesystem::directory_iterator{"/dev", none})
    if (each.path().filename().string().starts_with("nvidia"))
      rules.writable.push_back(each.path());
  return rules;
}

expected<void> confine(const sandbox_rules& rules) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return cannot("no new privileges");
  if (auto files = confine_files(rules); !files) return files;
  return confine_calls();
}

}  // namespace coppice::worker
