// Attempts on files: those of others, those of the system, and one's own made into something else.
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "tests/attacks/attempts.hpp"

namespace sluice::attacks {

namespace {

std::string open_for(const std::string& path, int flags) { return verdict_of(::open(path.c_str(), flags, 0600)); }

std::string read_secret(const std::string& path, const std::string& secret) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0) return name_of(errno);
  ::close(fd);
  return read_file(path) == secret ? kReached : kNothing;
}

std::string create_in(const std::string& folder) {
  const std::string path = folder + "/sluice-attack-" + std::to_string(::getpid());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (fd < 0) return name_of(errno);
  ::unlink(path.c_str());
  return kReached;
}

/// A link in the attacker's own directory that points at what it may not have.
std::string through_link(const Target& target, const std::string& place) {
  const std::string link = target.own_folder + "/link";
  ::unlink(link.c_str());
  if (::symlink(place.c_str(), link.c_str()) != 0) return name_of(errno);
  std::string verdict = read_secret(link, target.secret);
  ::unlink(link.c_str());
  return verdict;
}

std::string hard_link(const Target& target, const std::string& place) {
  const std::string link = target.own_folder + "/hard";
  if (::linkat(AT_FDCWD, place.c_str(), AT_FDCWD, link.c_str(), 0) != 0) return name_of(errno);
  ::unlink(link.c_str());
  return kReached;
}

std::string rename_out(const Target& target) {
  const std::string from = target.own_folder + "/renamed";
  const int fd = ::open(from.c_str(), O_WRONLY | O_CREAT, 0600);
  ::close(fd);
  const std::string to = target.own_folder + "/../renamed";
  const bool done = ::rename(from.c_str(), to.c_str()) == 0;
  std::string verdict = done ? kReached : name_of(errno);
  ::unlink(done ? to.c_str() : from.c_str());
  return verdict;
}

std::string make_device(const Target& target, mode_t kind, dev_t device) {
  const std::string path = target.own_folder + "/device";
  if (::mknod(path.c_str(), kind | 0666, device) != 0) return name_of(errno);
  ::unlink(path.c_str());
  return kReached;
}

/// A program in the writable directory that would run with its owner's rights on the host.
std::string set_id(const Target& target, mode_t bit) {
  const std::string path = target.own_folder + "/set-id";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0700);
  if (fd < 0) return name_of(errno);
  std::string verdict = verdict_of(::fchmod(fd, 0755 | bit));
  if (verdict != kReached) {
    // Perhaps by the mode at creation, or by another name of the call.
    const std::string other = target.own_folder + "/set-id-2";
    ::chmod(path.c_str(), 0755 | bit);
    ::syscall(SYS_fchmodat, AT_FDCWD, path.c_str(), 0755 | bit);
    ::syscall(452 /* fchmodat2 */, AT_FDCWD, path.c_str(), 0755 | bit, 0);
    ::close(::open(other.c_str(), O_WRONLY | O_CREAT, 0755 | bit));
    ::close(::creat((other + "-3").c_str(), 0755 | bit));
    for (const std::string& made : {path, other, other + "-3"}) {
      struct stat status {};
      if (::stat(made.c_str(), &status) == 0 && (status.st_mode & bit) != 0) verdict = kReached;
      ::unlink(made.c_str());
    }
  }
  ::unlink(path.c_str());
  return verdict;
}

std::string change_attribute(const Target& target, const char* name, const void* value, std::size_t size) {
  const std::string path = target.own_folder + "/attributed";
  ::close(::open(path.c_str(), O_WRONLY | O_CREAT, 0700));
  std::string verdict = verdict_of(::setxattr(path.c_str(), name, value, size, 0));
  ::unlink(path.c_str());
  return verdict;
}

/// The label that the run puts on a writable directory, replaced by a lower one.
std::string relabel(const Target& target) {
  constexpr char kLower[] = "UNCLASSIFIED";
  return verdict_of(::setxattr(target.own_folder.c_str(), "user.sluice.label", kLower, sizeof kLower - 1, 0));
}

std::string remove_label(const Target& target) {
  constexpr char kName[] = "user.sluice.label";
  char before[256];
  const ssize_t size = ::getxattr(target.own_folder.c_str(), kName, before, sizeof before);
  std::string verdict = verdict_of(::removexattr(target.own_folder.c_str(), kName));
  if (verdict == kReached && size > 0) {
    ::setxattr(target.own_folder.c_str(), kName, before, static_cast<std::size_t>(size), 0);
  }
  return verdict;
}

/// The classic way out of chroot.
std::string chroot_escape(const Target& target) {
  const int root = ::open("/", O_RDONLY | O_DIRECTORY);
  if (::chroot(target.own_folder.c_str()) != 0) return name_of(errno);
  if (::fchdir(root) != 0) return name_of(errno);
  for (int i = 0; i < 32; ++i) {
    if (::chdir("..") != 0) return name_of(errno);
  }
  if (::chroot(".") != 0) return name_of(errno);
  return read_secret(target.victim_folder + "/secret", target.secret);
}

std::string by_handle() {
  alignas(file_handle) unsigned char bytes[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
  auto* handle = reinterpret_cast<file_handle*>(bytes);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (::name_to_handle_at(AT_FDCWD, "/tmp", handle, &mount, 0) != 0) return name_of(errno);
  const int root = ::open("/tmp", O_RDONLY | O_DIRECTORY);
  return verdict_of(::open_by_handle_at(root, handle, O_RDONLY));
}

std::string open_by_handle_alone() {
  alignas(file_handle) unsigned char bytes[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
  auto* handle = reinterpret_cast<file_handle*>(bytes);
  handle->handle_bytes = 8;
  handle->handle_type = 1;
  const int root = ::open("/", O_RDONLY | O_DIRECTORY);
  const auto opened = ::syscall(SYS_open_by_handle_at, root, handle, O_RDONLY);
  // ESTALE or EINVAL: the kernel went looking, which is what counts.
  return opened >= 0 || errno == ESTALE || errno == EINVAL ? kReached : name_of(errno);
}

std::string mount_something() { return verdict_of(::mount("none", "/mnt", "tmpfs", 0, nullptr)); }

std::string bind_over_self() {
  std::string verdict = verdict_of(::mount("/", "/mnt", nullptr, MS_BIND | MS_REC, nullptr));
  if (verdict == kReached) ::umount2("/mnt", MNT_DETACH);
  return verdict;
}

std::string remount_writable(const Target& target) {
  // Outside there is nothing to remount; a bind mount on itself stands for it.
  const std::string file = target.read_only_file;
  if (::mount(file.c_str(), file.c_str(), nullptr, MS_BIND, nullptr) != 0) return name_of(errno);
  std::string verdict = verdict_of(::mount(nullptr, file.c_str(), nullptr, MS_REMOUNT | MS_BIND, nullptr));
  ::umount2(file.c_str(), MNT_DETACH);
  return verdict;
}

std::string open_tree_of_root() { return verdict_of(::syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE)); }

std::string own_mounts_first(const std::function<std::string()>& act) {
  // Outside, mounts are tried in a namespace of their own so that the host keeps none.
  if (::getpid() != 1 && ::unshare(CLONE_NEWNS) == 0) ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  return act();
}

/// A file that lies across: as large as it likes, through a descriptor of /proc/self/fd that was opened to read.
std::string reopen_writable(const Target& target) {
  const int fd = ::open(target.read_only_file.c_str(), O_RDONLY);
  if (fd < 0) return name_of(errno);
  return open_for("/proc/self/fd/" + std::to_string(fd), O_WRONLY);
}

std::string write_mapping(const Target& target) {
  const int fd = ::open(target.read_only_file.c_str(), O_RDWR);
  if (fd < 0) return name_of(errno);
  return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED ? kReached : name_of(errno);
}

std::string set_times(const std::string& path) { return verdict_of(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0)); }

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::vector<Attempt> others_files(const Target& target) {
  const std::string secret_file = target.victim_folder + "/secret";
  const std::string beside = "/.." + target.victim_folder.substr(target.victim_folder.rfind('/')) + "/secret";
  return {
      {"victim_file_read", [=] { return read_secret(secret_file, target.secret); }},
      {"victim_file_write", [=] { return open_for(secret_file, O_RDWR); }},
      {"victim_folder_create", [=] { return create_in(target.victim_folder); }},
      {"victim_folder_stat",
       [=] {
         struct stat status {};
         return verdict_of(::stat(target.victim_folder.c_str(), &status));
       }},
      {"victim_tmp_file", [=] { return read_secret("/tmp/" + target.token, target.secret); }},
      {"victim_shm_file", [=] { return read_secret("/dev/shm/" + target.token, target.secret); }},
      {"dot_dot", [=] { return read_secret(target.own_folder + beside, target.secret); }},
      {"symlink", [=] { return through_link(target, secret_file); }},
      {"symlink_dot_dot", [=] { return through_link(target, "." + beside); }},
      {"file_among_devices",
       [] {
         const std::string place = "/dev/sluice-intruder-" + std::to_string(::getpid());
         const int fd = ::open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
         std::string verdict = verdict_of(fd);
         if (fd >= 0) ::unlink(place.c_str());
         return verdict;
       }},
      {"symlink_proc_root",
       [=] {
         const pid_t victim = find_victim(target);
         return through_link(target, "/proc/" + std::to_string(victim != 0 ? victim : 1) + "/root" + secret_file);
       }},
      {"hard_link", [=] { return hard_link(target, secret_file); }},
      {"policy_file", [=] { return open_for(target.policy, O_RDONLY); }},
      {"output_folder", [=] { return open_for(target.output, O_RDONLY); }},
      {"shadow", [] { return open_for("/etc/shadow", O_RDONLY); }},
      {"root_home", [] { return open_for("/root", O_RDONLY); }},
      {"homes", [] { return open_for("/home", O_RDONLY); }},
      {"var_log", [] { return open_for("/var/log", O_RDONLY); }},
      {"kernel_log", [] { return open_for("/dev/kmsg", O_RDONLY); }},
  };
}

std::vector<Attempt> system_files(const Target& target) {
  return {
      {"write_root", [] { return create_in(""); }},
      {"write_usr", [] { return create_in("/usr/lib"); }},
      {"write_etc", [] { return create_in("/etc"); }},
      {"write_run", [] { return create_in("/run"); }},
      {"write_policy_folder",
       [=] { return open_for(folder_of(target.policy) + "/left-by-intruder", O_WRONLY | O_CREAT | O_EXCL); }},
      {"read_only_grant", [=] { return open_for(target.read_only_file, O_RDWR); }},
      {"read_only_grant_chmod", [=] { return verdict_of(::chmod(target.read_only_file.c_str(), 0777)); }},
      {"read_only_grant_times", [=] { return set_times(target.read_only_file); }},
      {"read_only_grant_reopen", [=] { return reopen_writable(target); }},
      {"read_only_grant_map", [=] { return write_mapping(target); }},
      {"system_file_times", [] { return set_times("/usr/bin/env"); }},
      {"device_times", [] { return set_times("/dev/full"); }},
      {"sysctl", [] { return open_for("/proc/sys/kernel/core_pattern", O_WRONLY); }},
  };
}

std::vector<Attempt> own_files(const Target& target) {
  // Version 2 of a capability set on a file, with CAP_SYS_ADMIN permitted.
  static constexpr unsigned char kFileCapability[20] = {1, 0, 0, 2, 0, 0, 0x20};
  return {
      {"rename_out", [=] { return rename_out(target); }},
      {"device_null", [=] { return make_device(target, S_IFCHR, makedev(1, 3)); }},
      {"device_disk", [=] { return make_device(target, S_IFBLK, makedev(254, 0)); }},
      {"set_user_id", [=] { return set_id(target, S_ISUID); }},
      {"set_group_id", [=] { return set_id(target, S_ISGID); }},
      {"file_capability",
       [=] { return change_attribute(target, "security.capability", kFileCapability, sizeof kFileCapability); }},
      {"relabel", [=] { return relabel(target); }},
      {"remove_label", [=] { return remove_label(target); }},
      {"chown",
       [=] {
         const std::string path = target.own_folder + "/given";
         ::close(::open(path.c_str(), O_WRONLY | O_CREAT, 0700));
         std::string verdict = verdict_of(::chown(path.c_str(), 12345, 12345));
         ::unlink(path.c_str());
         return verdict;
       }},
  };
}

std::vector<Attempt> mounts(const Target& target) {
  return {
      {"mount", [] { return own_mounts_first(mount_something); }},
      {"bind_mount", [] { return own_mounts_first(bind_over_self); }},
      {"remount", [=] { return own_mounts_first([=] { return remount_writable(target); }); }},
      {"open_tree", [] { return open_tree_of_root(); }},
      {"umount", [] { return own_mounts_first([] { return verdict_of(::umount2("/proc", MNT_DETACH)); }); }},
      {"chroot", [=] { return chroot_escape(target); }},
      {"pivot_root",
       [] {
         const auto done = ::syscall(SYS_pivot_root, ".", ".");
         return done == 0 || errno == EINVAL || errno == EBUSY ? kReached : name_of(errno);
       }},
      {"name_to_handle", [] { return by_handle(); }},
      {"open_by_handle", [] { return open_by_handle_alone(); }},
  };
}

}  // namespace

std::vector<Attempt> file_attempts(const Target& target) {
  std::vector<Attempt> all;
  for (const auto& some : {others_files(target), system_files(target), own_files(target), mounts(target)}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace sluice::attacks
