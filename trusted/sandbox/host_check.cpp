#include "trusted/sandbox/host_check.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "trusted/base/fd.hpp"
#include "trusted/sandbox/landlock.hpp"
#include "trusted/sandbox/limit_group.hpp"
#include "trusted/sandbox/mounts.hpp"
#include "trusted/sandbox/path_label.hpp"
#include "trusted/sandbox/probe.hpp"

namespace sluice::sandbox {
namespace {

constexpr char kBubblewrap[] = "/usr/bin/bwrap";

std::string text_of(int error) { return std::generic_category().message(error); }

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Which of the usual switches keeps user namespaces from this user.
std::string user_namespace_mend() {
  if (first_line("/proc/sys/kernel/unprivileged_userns_clone") == "0")
    return "sysctl -w kernel.unprivileged_userns_clone=1";
  if (first_line("/proc/sys/user/max_user_namespaces") == "0") return "sysctl -w user.max_user_namespaces=15000";
  if (first_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") {
    return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows `userns`";
  }
  return "allow unprivileged user namespaces; in a container, its seccomp profile has to allow unshare and clone of "
         "them";
}

Check check_user_namespace() {
  const int error = try_in_child(enter_user_namespace);
  if (error == 0) return {"user namespaces", Verdict::ok, "this user can make them", ""};
  return {"user namespaces", Verdict::missing, "this user cannot make them: " + text_of(error), user_namespace_mend()};
}

std::vector<Check> check_namespaces() {
  struct Kind {
    const char* name;
    int flag;
  };
  constexpr std::array kinds = {Kind{"mount", CLONE_NEWNS}, Kind{"pid", CLONE_NEWPID}, Kind{"network", CLONE_NEWNET},
                                Kind{"ipc", CLONE_NEWIPC},  Kind{"uts", CLONE_NEWUTS}, Kind{"cgroup", CLONE_NEWCGROUP},
                                Kind{"time", CLONE_NEWTIME}};
  std::vector<Check> checks;
  for (const Kind& kind : kinds) {
    const int error = try_in_child([&] {
      if (const int failed = enter_user_namespace(); failed != 0) return failed;
      return unshare(kind.flag) == 0 ? 0 : errno;
    });
    const std::string name = std::string(kind.name) + " namespace";
    if (error == 0) {
      checks.push_back({name, Verdict::ok, "", ""});
    } else {
      checks.push_back(
          {name, Verdict::missing, text_of(error),
           std::string("a kernel with ") + (kind.flag == CLONE_NEWTIME ? "CONFIG_TIME_NS (Linux 5.6)" : "it")});
    }
  }
  return checks;
}

Check check_bubblewrap(CheckDepth depth) {
  if (access(kBubblewrap, X_OK) != 0) {
    return {"bubblewrap", Verdict::missing, std::string(kBubblewrap) + " is not there",
            "install the package bubblewrap"};
  }
  if (depth == CheckDepth::before_a_run) return {"bubblewrap", Verdict::ok, "", ""};
  const Output version = run_command({kBubblewrap, "--version"});
  const Output trial = run_command({kBubblewrap, "--unshare-all", "--cap-drop", "ALL", "--die-with-parent", "--ro-bind",
                                    "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "/bin/true"});
  if (trial.status == 0) return {"bubblewrap", Verdict::ok, version.line + " makes a sandbox", ""};
  return {"bubblewrap", Verdict::missing, version.line + " fails: " + trial.line, user_namespace_mend()};
}

Check check_seccomp() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
    return {"system-call filter", Verdict::ok, "seccomp", ""};
  return {"system-call filter", Verdict::missing, text_of(errno), "a kernel with CONFIG_SECCOMP_FILTER"};
}

Check check_seals() {
  const int error = try_in_child(try_memory_seal);
  if (error == 0) return {"memory seals", Verdict::ok, "a receiver's memory cannot be mapped writable", ""};
  return {"memory seals", Verdict::missing, text_of(error), "Linux 5.1 or newer (F_SEAL_FUTURE_WRITE)"};
}

/// In the namespaces of a run, as its pid 1.
int in_run_namespaces(const std::function<int()>& trial) {
  return try_in_child([&] {
    if (const int error = enter_run_namespaces(); error != 0) return error;
    return try_in_child(trial);
  });
}

Check check_own_proc() {
  const int error = in_run_namespaces([] {
    errno = 0;
    return own_mounts() ? 0 : errno;
  });
  if (error == 0)
    return {"own /proc", Verdict::ok, "a sandbox sees its own processes only; the rest of /proc is masked", ""};
  return {"own /proc", Verdict::missing, "a new /proc cannot be mounted: " + text_of(error),
          "in a container, start it with an unmasked /proc (docker: --security-opt systempaths=unconfined)"};
}

Check check_own_inodes() {
  const int error = in_run_namespaces([] {
    if (!own_mounts() || !mount_run_directory("/tmp")) return errno;
    if (mkdir("/tmp/empty", 0755) != 0 || mkdir("/tmp/usr", 0755) != 0) return errno;
    if (!mount_own_inodes("/usr", "/tmp/empty", "/tmp/usr")) return errno;
    return access("/tmp/usr/bin", F_OK) == 0 ? 0 : errno;
  });
  if (error == 0)
    return {"own inodes of /usr", Verdict::ok, "locks and watches on system files stay inside a sandbox", ""};
  return {"own inodes of /usr", Verdict::missing, "overlayfs cannot be used: " + text_of(error),
          "a kernel with overlayfs, usable in user namespaces since Linux 5.11"};
}

Check check_own_pages() {
  std::string mend;
  const int error = in_run_namespaces([&] {
    if (!own_mounts() || !mount_run_directory("/tmp") || mkdir("/tmp/usr", 0755) != 0) return errno;
    return mount_mirror("/tmp/usr", true, geteuid()) ? 0 : errno;
  });
  if (error == 0)
    return {"own pages of /usr", Verdict::ok, "no futex, no smaps and no cache line of system files is shared", ""};
  return {"own pages of /usr", Verdict::degraded,
          "FUSE cannot be used: " + text_of(error) + "; subjects share the pages of system files",
          "modprobe fuse, and chmod 0666 /dev/fuse, as the package fuse3 does"};
}

Check check_network_counters() {
  if (geteuid() == 0) return {"network counters", Verdict::ok, "those of the whole host are hidden", ""};
  return {"network counters", Verdict::degraded,
          "/proc/net/softnet_stat and the like show the whole host's traffic to every subject", "start runs as root"};
}

Check check_owner_maps() {
  if (geteuid() != 0) return {"owner maps", Verdict::ok, "not needed: subjects run as this user", ""};
  const std::string here = std::filesystem::current_path();
  std::string why;
  const int error = in_run_namespaces([&] {
    if (!own_mounts()) return errno;
    return detach_mapped(here, {0, 0, 2'000'000'000, 2'000'000'000}) ? 0 : errno;
  });
  if (error == 0) return {"owner maps", Verdict::ok, "files that subjects write here belong to the folder's owner", ""};
  return {"owner maps", Verdict::degraded,
          "the file system of " + here + " has none: writable folders there cannot be granted",
          "use a folder on ext4, xfs, btrfs or tmpfs with Linux 6.3 or newer"};
}

Check check_distinct_users() {
  if (geteuid() == 0) return {"distinct host users", Verdict::ok, "every subject is a host user of its own", ""};
  return {"distinct host users", Verdict::degraded, "all subjects run as this user; limits for each user are shared",
          "start runs as root"};
}

Check check_labels() {
  const Fd file(open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file)
    return {"labels on folders", Verdict::degraded, "cannot be tried: " + text_of(errno) + " in the current folder",
            "run this in a folder that you may write"};
  if (fsetxattr(file.get(), kLabelAttribute, "x", 1, 0) == 0)
    return {"labels on folders", Verdict::ok, "kept by the file system of this folder", ""};
  return {"labels on folders", Verdict::degraded,
          "the file system of this folder keeps no user attributes: what subjects write carries no label after the run",
          "use ext4, xfs or btrfs for writable folders"};
}

Check check_memory_groups() {
  const auto place = find_memory_group();
  if (place) {
    return {"memory groups", Verdict::ok,
            "version " + std::to_string(place.value().version) + ", in " + place.value().folder.string(), ""};
  }
  return {"memory groups", Verdict::degraded, place.error().what + "; a subject may use all memory of the host",
          place.error().mend};
}

Check check_ptrace_scope() {
  const std::string scope = first_line("/proc/sys/kernel/yama/ptrace_scope");
  if (scope.empty() || scope == "0")
    return {"ptrace scope", Verdict::ok, "the host MPIs' single copy works inside a subject", ""};
  return {"ptrace scope", Verdict::degraded,
          "kernel.yama.ptrace_scope is " + scope + ": large messages inside a subject are copied twice",
          "sysctl -w kernel.yama.ptrace_scope=0, if the site allows it"};
}

Check check_file(const std::string& name, const std::filesystem::path& path, const std::string& mend, Verdict absent) {
  if (access(path.c_str(), R_OK) == 0) return {name, Verdict::ok, path.string(), ""};
  return {name, absent, path.string() + ": " + text_of(errno), mend};
}

void check_parts(const Places& places, CheckDepth depth, std::vector<Check>& checks) {
  const std::string build = "build Sluice whole: cmake --build --preset release";
  checks.push_back(check_file("guard", places.guard, build, Verdict::missing));
  checks.push_back(check_file("starter of ranks", places.rank, build, Verdict::missing));
  checks.push_back(check_file("first program", places.confine, build, Verdict::missing));
  checks.push_back(check_file("mirror of system files", places.mirror, build, Verdict::missing));
  if (depth == CheckDepth::before_a_run) return;
  // One of the two MPIs is enough for a policy that uses only that one.
  checks.push_back(
      check_file("library for Open MPI", places.libraries / "libsluice-openmpi.so", build, Verdict::degraded));
  checks.push_back(check_file("library for MPICH", places.libraries / "libsluice-mpich.so", build, Verdict::degraded));
  checks.push_back(
      check_file("Open MPI", "/usr/bin/mpiexec.openmpi", "install the package openmpi-bin", Verdict::degraded));
  checks.push_back(check_file("MPICH", "/usr/bin/mpiexec.mpich", "install the package mpich", Verdict::degraded));
}

}  // namespace

Check landlock_check(int version) {
  if (version > 0) return {"Landlock", Verdict::ok, "version " + std::to_string(version), ""};
  return {"Landlock", Verdict::degraded, "this kernel has none: mounts and the system-call filter stand alone",
          "a kernel with CONFIG_SECURITY_LANDLOCK, started with lsm=landlock,..."};
}

std::vector<Check> check_host(CheckDepth depth, const Places& places) {
  std::vector<Check> checks = {check_user_namespace()};
  if (depth == CheckDepth::everything) {
    for (Check& check : check_namespaces()) checks.push_back(std::move(check));
  }
  checks.push_back(check_bubblewrap(depth));
  checks.push_back(check_seccomp());
  checks.push_back(check_seals());
  checks.push_back(check_own_proc());
  checks.push_back(check_own_inodes());
  if (depth == CheckDepth::everything) {
    for (auto* check : {check_own_pages, check_network_counters, check_owner_maps, check_distinct_users, check_labels,
                        check_memory_groups, check_ptrace_scope}) {
      checks.push_back(check());
    }
  }
  if (depth == CheckDepth::everything) checks.push_back(landlock_check(landlock_version()));
  check_parts(places, depth, checks);
  return checks;
}

bool is_fit(const std::vector<Check>& checks) {
  return std::none_of(checks.begin(), checks.end(),
                      [](const Check& check) { return check.verdict == Verdict::missing; });
}

}  // namespace sluice::sandbox
