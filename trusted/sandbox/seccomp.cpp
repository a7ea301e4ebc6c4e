#include "trusted/sandbox/seccomp.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "trusted/sandbox/allowed_calls.hpp"

namespace sluice::sandbox {
namespace {

// System calls that libseccomp 2.5 does not know by name.
constexpr int kCachestat = 451;
constexpr int kStatmount = 457;
constexpr int kListmount = 458;
constexpr int kOpenTreeAttr = 467;
constexpr int kFchmodat2 = 452;
constexpr int kSetxattrat = 463;
constexpr int kRemovexattrat = 466;
constexpr int kFileSetattr = 469;
/// PR_SET_MEMORY_MERGE of Linux 6.4.
constexpr std::uint64_t kSetMemoryMerge = 67;
/// MADV_COLLAPSE of Linux 6.1.
constexpr std::uint64_t kCollapse = 25;

// What is not in allowed_calls.cpp gives ENOSYS, as on an older kernel, and callers fall back. The groups here give
// EPERM: programs know them, and take that for what it is. No program of good faith needs one, so whoever tries one is
// counted (RefusedCalls of the launcher). Two that give EPERM too are not: sysinfo(), which the C library's qsort()
// makes, and sockets of other families, which MPICH's network library tries at each start.

// Reach other namespaces or make new ones: a new user namespace gives capabilities, and with them kernel code that
// nothing else in a sandbox can reach.
constexpr std::array kNamespaces = {SCMP_SYS(setns), SCMP_SYS(pivot_root), SCMP_SYS(chroot)};

// Change or list mounts.
constexpr std::array kMounts = {SCMP_SYS(mount),         SCMP_SYS(umount2), SCMP_SYS(fsopen),     SCMP_SYS(fsconfig),
                                SCMP_SYS(fsmount),       SCMP_SYS(fspick),  SCMP_SYS(move_mount), SCMP_SYS(open_tree),
                                SCMP_SYS(mount_setattr), kStatmount,        kListmount,           kOpenTreeAttr};

// Reach into processes beyond what an MPI needs. process_vm_readv and process_vm_writev stay: they are the host MPIs'
// single-copy path inside a subject, and reach only processes of the same user namespace.
constexpr std::array kProcesses = {SCMP_SYS(ptrace), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp), SCMP_SYS(process_madvise)};

// Kernel key rings are counted for each user of the host, not for each namespace.
constexpr std::array kKeys = {SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl)};

// Large attack surface, or ways to slow the kernel down at a chosen place, that no MPI program needs.
constexpr std::array kSurface = {SCMP_SYS(bpf),
                                 SCMP_SYS(perf_event_open),
                                 SCMP_SYS(userfaultfd),
                                 SCMP_SYS(io_uring_setup),
                                 SCMP_SYS(io_uring_enter),
                                 SCMP_SYS(io_uring_register),
                                 SCMP_SYS(vmsplice),
                                 SCMP_SYS(modify_ldt),
                                 SCMP_SYS(uselib),
                                 SCMP_SYS(lookup_dcookie),
                                 SCMP_SYS(nfsservctl),
                                 SCMP_SYS(vhangup)};

// Show the state of the whole host or of inodes that other sandboxes use too: load, free memory, page cache, opens of
// a shared file. Linux AIO contexts come from one pool for the whole host.
constexpr std::array kOthersState = {SCMP_SYS(syslog),
                                     SCMP_SYS(ustat),
                                     SCMP_SYS(sysfs),
                                     SCMP_SYS(quotactl),
                                     SCMP_SYS(quotactl_fd),
                                     SCMP_SYS(inotify_init),
                                     SCMP_SYS(inotify_init1),
                                     SCMP_SYS(fanotify_init),
                                     SCMP_SYS(fanotify_mark),
                                     SCMP_SYS(io_setup),
                                     SCMP_SYS(open_by_handle_at),
                                     SCMP_SYS(acct),
                                     SCMP_SYS(name_to_handle_at),
                                     kCachestat};

// Administration of the host.
constexpr std::array kAdministration = {
    SCMP_SYS(reboot),       SCMP_SYS(kexec_load),    SCMP_SYS(kexec_file_load), SCMP_SYS(init_module),
    SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(swapon),          SCMP_SYS(swapoff),
    SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(clock_adjtime),   SCMP_SYS(adjtimex),
    SCMP_SYS(iopl),         SCMP_SYS(ioperm),        SCMP_SYS(sethostname),     SCMP_SYS(setdomainname)};

// Attributes of files: the label of a writable directory is one, and a subject must not change its own. Programs take
// the errno for a file system without attributes.
constexpr std::array kAttributes = {SCMP_SYS(setxattr),    SCMP_SYS(lsetxattr),    SCMP_SYS(fsetxattr),
                                    SCMP_SYS(removexattr), SCMP_SYS(lremovexattr), SCMP_SYS(fremovexattr),
                                    kSetxattrat,           kRemovexattrat,         kFileSetattr};

constexpr std::array<std::uint64_t, 8> kNamespaceFlags = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
                                                          CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP, CLONE_NEWTIME};

// fcntl commands that act on the inode and that no MPI program needs: leases, directory notices, write-life hints.
constexpr std::array<std::uint64_t, 7> kInodeCommands = {
    F_SETLEASE, F_GETLEASE, F_NOTIFY, F_GET_RW_HINT, F_SET_RW_HINT, F_GET_FILE_RW_HINT, F_SET_FILE_RW_HINT};
constexpr std::array<std::uint64_t, 6> kLockCommands = {F_GETLK,     F_SETLK,     F_SETLKW,
                                                        F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW};

constexpr std::uint64_t kLow32 = 0xffffffff;

// Socket options that this C library does not name.
constexpr std::uint64_t kPassProcess = 76;  // SO_PASSPIDFD
constexpr std::uint64_t kPeerProcess = 77;  // SO_PEERPIDFD

Result<Fd, Problem> filter_memory() {
  Fd memory(memfd_create("sluice-filter", MFD_CLOEXEC));
  if (!memory) return system_problem("cannot make memory for the system-call filter");
  return memory;
}

Result<Fd, Problem> copy_of_program(const Fd& program) {
  auto copy = filter_memory();
  struct stat status {};
  if (!copy) return copy;
  if (fstat(program.get(), &status) != 0) return system_problem("cannot read the system-call filter");
  std::vector<char> bytes(static_cast<std::size_t>(status.st_size));
  const auto size = static_cast<ssize_t>(bytes.size());
  if (pread(program.get(), bytes.data(), bytes.size(), 0) != size ||
      pwrite(copy.value().get(), bytes.data(), bytes.size(), 0) != size) {
    return system_problem("cannot copy the system-call filter");
  }
  return copy;
}

struct Release {
  void operator()(void* context) const noexcept { seccomp_release(context); }
};

/// Collects the rules of one program; remembers the first failure.
class Rules {
 public:
  /// `otherwise`: what becomes of a call without a rule.
  explicit Rules(std::uint32_t otherwise) : context_(seccomp_init(otherwise)) {
    // Other architectures number their calls differently and would slip past every rule.
    if (!context_ || seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0)
      failed_ = true;
    // A binary tree instead of a list: every call passes it.
    if (context_ && seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0) failed_ = true;
  }

  void allow(std::span<const int> calls) {
    for (const int call : calls) {
      if (!failed_ && seccomp_rule_add_array(context_.get(), SCMP_ACT_ALLOW, call, 0, nullptr) != 0) failed_ = true;
    }
  }

  void deny(std::span<const int> calls) {
    for (const int call : calls) deny(call, {});
  }

  /// EPERM, or whoever listens is told and says so.
  void deny(int call, std::span<const scmp_arg_cmp> conditions) { add_rule(denial_, call, conditions); }

  /// An errno that programs of good faith meet too.
  void answer(int error, int call, std::span<const scmp_arg_cmp> conditions) {
    add_rule(SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call, conditions);
  }

  /// From here on denials are told to a listener.
  void tell_denials() { denial_ = SCMP_ACT_NOTIFY; }

  /// The program in a memfd at offset 0.
  [[nodiscard]] Result<Fd, Problem> built() const {
    auto made = filter_memory();
    if (!made) return made;
    const Fd& memory = made.value();
    if (failed_ || seccomp_export_bpf(context_.get(), memory.get()) != 0 || lseek(memory.get(), 0, SEEK_SET) != 0) {
      return Problem{ProblemKind::host, "libseccomp cannot build the system-call filter",
                     "install libseccomp2 2.5 or newer"};
    }
    return made;
  }

 private:
  void add_rule(std::uint32_t action, int call, std::span<const scmp_arg_cmp> conditions) {
    if (failed_) return;
    const int rc = seccomp_rule_add_array(context_.get(), action, call, static_cast<unsigned>(conditions.size()),
                                          conditions.data());
    if (rc != 0) failed_ = true;
  }

  std::unique_ptr<void, Release> context_;
  std::uint32_t denial_ = SCMP_ACT_ERRNO(EPERM);
  bool failed_ = false;
};

scmp_arg_cmp condition(unsigned argument, scmp_compare compare, std::uint64_t first, std::uint64_t second = 0) {
  return scmp_arg_cmp{argument, compare, first, second};
}

void deny_new_namespaces(Rules& rules) {
  for (const std::uint64_t flag : kNamespaceFlags) {
    const std::array match = {condition(0, SCMP_CMP_MASKED_EQ, flag, flag)};
    // In clone() the lowest byte is the exit signal, where CLONE_NEWTIME would be: clone() knows no such flag.
    if (flag != CLONE_NEWTIME) rules.deny(SCMP_SYS(clone), match);
    rules.deny(SCMP_SYS(unshare), match);
  }
}

/// The other ways to a process descriptor, see allowed_calls.cpp: at the start of a process, and from a socket's peer.
/// Each errno is that of a kernel without them.
void answer_process_descriptors(Rules& rules) {
  const std::array start = {condition(0, SCMP_CMP_MASKED_EQ, CLONE_PIDFD, CLONE_PIDFD)};
  rules.answer(EINVAL, SCMP_SYS(clone), start);
  const std::array peer = {condition(1, SCMP_CMP_MASKED_EQ, kLow32, SOL_SOCKET),
                           condition(2, SCMP_CMP_MASKED_EQ, kLow32, kPeerProcess)};
  rules.answer(ENOPROTOOPT, SCMP_SYS(getsockopt), peer);
  const std::array pass = {condition(1, SCMP_CMP_MASKED_EQ, kLow32, SOL_SOCKET),
                           condition(2, SCMP_CMP_MASKED_EQ, kLow32, kPassProcess)};
  rules.answer(ENOPROTOOPT, SCMP_SYS(setsockopt), pass);
}

// Only Unix, IPv4, IPv6 and route-netlink sockets: the other families are attack surface, and some (vsock, Bluetooth,
// netlink of other kinds) are not confined by a network namespace. The comparisons are of 64 bits, so that a value
// with bits above the int that the kernel looks at is denied as well.
void answer_socket_families(Rules& rules) {
  for (std::uint64_t family = 0; family <= AF_NETLINK; ++family) {
    if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK) continue;
    const std::array match = {condition(0, SCMP_CMP_EQ, family)};
    rules.answer(EPERM, SCMP_SYS(socket), match);
  }
  const std::array beyond = {condition(0, SCMP_CMP_GT, AF_NETLINK)};
  rules.answer(EPERM, SCMP_SYS(socket), beyond);
  const std::array netlink = {condition(0, SCMP_CMP_EQ, AF_NETLINK), condition(2, SCMP_CMP_NE, 0)};
  rules.answer(EPERM, SCMP_SYS(socket), netlink);
}

/// The kernel looks at the low 32 bits of a command only; so does the comparison.
scmp_arg_cmp command_is(std::uint64_t command) { return condition(1, SCMP_CMP_MASKED_EQ, kLow32, command); }

void deny_commands(Rules& rules, int call, std::span<const std::uint64_t> commands) {
  for (const std::uint64_t command : commands) {
    const std::array match = {command_is(command)};
    rules.deny(call, match);
  }
}

/// Locks of files, as on a file system without any.
void answer_locks(Rules& rules) {
  for (const std::uint64_t command : kLockCommands) {
    const std::array match = {command_is(command)};
    rules.answer(ENOLCK, SCMP_SYS(fcntl), match);
  }
  rules.answer(ENOLCK, SCMP_SYS(flock), {});
}

/// Huge pages come out of one pool of the host's: whether there are any left tells what others hold. Each errno is that
/// of a host without any. What the kernel makes huge by itself (MADV_HUGEPAGE) says nothing by its result;
/// MADV_COLLAPSE does. Mounting hugetlbfs is refused with all mounting.
void answer_huge_pages(Rules& rules) {
  const std::array mapped = {condition(3, SCMP_CMP_MASKED_EQ, MAP_HUGETLB, MAP_HUGETLB)};
  rules.answer(ENOMEM, SCMP_SYS(mmap), mapped);
  const std::array memory = {condition(1, SCMP_CMP_MASKED_EQ, MFD_HUGETLB, MFD_HUGETLB)};
  rules.answer(ENOMEM, SCMP_SYS(memfd_create), memory);
  const std::array segment = {condition(2, SCMP_CMP_MASKED_EQ, SHM_HUGETLB, SHM_HUGETLB)};
  rules.answer(ENOMEM, SCMP_SYS(shmget), segment);
  const std::array collapse = {condition(2, SCMP_CMP_MASKED_EQ, kLow32, kCollapse)};
  rules.answer(EINVAL, SCMP_SYS(madvise), collapse);
}

/// What a program in a writable directory must not become: one that runs with its owner's rights on the host. Covers
/// every call that takes a mode; of open() and openat() only where they make a file, since else the argument is noise.
void deny_set_id_programs(Rules& rules) {
  struct ModeCall {
    int call;
    unsigned mode;
  };
  constexpr std::array<ModeCall, 7> calls = {{{SCMP_SYS(chmod), 1},
                                              {SCMP_SYS(fchmod), 1},
                                              {SCMP_SYS(fchmodat), 2},
                                              {kFchmodat2, 2},
                                              {SCMP_SYS(creat), 1},
                                              {SCMP_SYS(mknod), 1},
                                              {SCMP_SYS(mknodat), 2}}};
  constexpr std::array<ModeCall, 2> opens = {{{SCMP_SYS(open), 2}, {SCMP_SYS(openat), 3}}};
  constexpr std::uint64_t temporary = std::uint64_t{O_TMPFILE} & ~std::uint64_t{O_DIRECTORY};
  for (const std::uint64_t bit : {std::uint64_t{S_ISUID}, std::uint64_t{S_ISGID}}) {
    for (const ModeCall& one : calls) {
      const std::array match = {condition(one.mode, SCMP_CMP_MASKED_EQ, bit, bit)};
      rules.deny(one.call, match);
    }
    for (const ModeCall& one : opens) {
      for (const std::uint64_t making : {static_cast<std::uint64_t>(O_CREAT), temporary}) {
        const std::array match = {condition(one.mode - 1, SCMP_CMP_MASKED_EQ, making, making),
                                  condition(one.mode, SCMP_CMP_MASKED_EQ, bit, bit)};
        rules.deny(one.call, match);
      }
    }
  }
}

constexpr std::array<std::span<const int>, 7> kDenied = {kNamespaces, kMounts,      kProcesses,     kKeys,
                                                         kSurface,    kOthersState, kAdministration};

/// Which calls there are. Those that are denied pass here: of_denials() has them.
Rules of_calls() {
  Rules rules(SCMP_ACT_ERRNO(ENOSYS));
  for (const std::span<const int> calls : allowed_calls()) rules.allow(calls);
  for (const std::span<const int> calls : kDenied) rules.allow(calls);
  for (const int call : kAttributes) rules.answer(EOPNOTSUPP, call, {});
  // The load and the free memory of the whole host.
  rules.answer(EPERM, SCMP_SYS(sysinfo), {});
  return rules;
}

/// What their arguments must not be, where programs of good faith may try it.
Rules of_arguments(const FilterOptions& options) {
  Rules rules(SCMP_ACT_ALLOW);
  answer_process_descriptors(rules);
  answer_socket_families(rules);
  answer_huge_pages(rules);
  if (!options.file_locks) answer_locks(rules);
  return rules;
}

/// What no program of good faith does.
Rules of_denials(const FilterOptions& options) {
  Rules rules(SCMP_ACT_ALLOW);
  if (options.tell_denials) rules.tell_denials();
  for (const std::span<const int> calls : kDenied) rules.deny(calls);
  deny_set_id_programs(rules);
  deny_new_namespaces(rules);
  // Typing into, or taking over, a terminal that is shared with a shell outside.
  constexpr std::array<std::uint64_t, 2> terminal = {TIOCSTI, TIOCLINUX};
  deny_commands(rules, SCMP_SYS(ioctl), terminal);
  deny_commands(rules, SCMP_SYS(fcntl), kInodeCommands);
  // Pages that the kernel has merged with equal ones of others are slower to write, and /proc/self/smaps tells.
  const std::array merge_advice = {condition(2, SCMP_CMP_MASKED_EQ, kLow32, MADV_MERGEABLE)};
  rules.deny(SCMP_SYS(madvise), merge_advice);
  const std::array merge_all = {condition(0, SCMP_CMP_MASKED_EQ, kLow32, kSetMemoryMerge)};
  rules.deny(SCMP_SYS(prctl), merge_all);
  // Asking for the personality is harmless; changing it turns off address randomisation and the like.
  const std::array change = {condition(0, SCMP_CMP_NE, kLow32)};
  rules.deny(SCMP_SYS(personality), change);
  return rules;
}

}  // namespace

Result<Filter, Problem> system_call_filter(const FilterOptions& options) {
  auto calls = of_calls().built();
  if (!calls) return calls.error();
  auto arguments = of_arguments(options).built();
  if (!arguments) return arguments.error();
  auto denials = of_denials(options).built();
  if (!denials) return denials.error();
  return Filter{std::move(calls).value(), std::move(arguments).value(), std::move(denials).value()};
}

Result<Filter, Problem> copy_of(const Filter& filter) {
  auto calls = copy_of_program(filter.calls);
  if (!calls) return calls.error();
  auto arguments = copy_of_program(filter.arguments);
  if (!arguments) return arguments.error();
  auto denials = copy_of_program(filter.denials);
  if (!denials) return denials.error();
  return Filter{std::move(calls).value(), std::move(arguments).value(), std::move(denials).value()};
}

std::string name_of_call(int number) {
  char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
  std::string text = name != nullptr ? name : std::to_string(number);
  std::free(name);  // NOLINT(cppcoreguidelines-no-malloc): libseccomp's
  return text;
}

}  // namespace sluice::sandbox
