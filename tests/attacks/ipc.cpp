// Attempts on another subject's shared memory, queues, sockets and keys.
#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "tests/attacks/attempts.hpp"

namespace sluice::attacks {

namespace {

std::string connect_unix(const std::string& name) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return name_of(errno);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return verdict_of(::connect(fd, reinterpret_cast<sockaddr*>(&address), size));
}

std::string read_shared_memory(const Target& target) {
  const int id = ::shmget(target.key(), 0, 0);
  if (id < 0) return name_of(errno);
  const void* place = ::shmat(id, nullptr, SHM_RDONLY);
  if (place == MAP_FAILED) return name_of(errno);  // the same value as shmat() gives
  return std::memcmp(place, target.secret.data(), target.secret.size()) == 0 ? kReached : kNothing;
}

/// Whether the kernel's tables of System V objects have any at all.
std::string list_system_v() {
  shmid_ds segment{};
  msqid_ds queue{};
  semid_ds semaphore{};
  for (int index = 0; index < 64; ++index) {
    if (::shmctl(index, SHM_STAT, &segment) >= 0 || ::msgctl(index, MSG_STAT, &queue) >= 0 ||
        ::semctl(index, 0, SEM_STAT, &semaphore) >= 0) {
      return kReached;
    }
  }
  return kNothing;
}

std::string list_folder(const std::string& folder, const std::string& part_of_name) {
  DIR* entries = ::opendir(folder.c_str());
  if (entries == nullptr) return name_of(errno);
  std::string verdict = kNothing;
  while (const dirent* entry = ::readdir(entries)) {
    if (std::string(entry->d_name).find(part_of_name) != std::string::npos) verdict = kReached;
  }
  ::closedir(entries);
  return verdict;
}

/// Looks for sockets in the whole file system but /proc and /sys; finds the name of the first that is not `own`.
std::string find_socket(const std::string& folder, int depth, const std::string& own) {
  DIR* entries = depth > 0 ? ::opendir((folder + "/").c_str()) : nullptr;
  if (entries == nullptr) return kNothing;
  std::string verdict = kNothing;
  while (const dirent* entry = ::readdir(entries)) {
    const std::string name = entry->d_name;
    std::string path = folder;
    path.append("/").append(name);
    struct stat status {};
    if (name == "." || name == ".." || path == "/proc" || path == "/sys" || path == "/usr") continue;
    if (::lstat(path.c_str(), &status) != 0) continue;
    if (S_ISSOCK(status.st_mode) && path != own) verdict = kReached;
    if (S_ISDIR(status.st_mode)) verdict = find_socket(path, depth - 1, own);
    if (verdict == kReached) break;
  }
  ::closedir(entries);
  return verdict;
}

std::string key_search(const Target& target, int ring) {
  return verdict_of(::syscall(SYS_keyctl, KEYCTL_SEARCH, ring, "user", target.token.c_str(), 0));
}

}  // namespace

std::vector<Attempt> ipc_attempts(const Target& target) {
  const std::string posix_name = "/" + target.token;
  return {
      {"shm_open", [=] { return verdict_of(::shm_open(posix_name.c_str(), O_RDONLY, 0)); }},
      {"shm_listing", [=] { return list_folder("/dev/shm", target.token); }},
      {"shmget", [=] { return read_shared_memory(target); }},
      {"msgget", [=] { return verdict_of(::msgget(target.key(), 0)); }},
      {"semget", [=] { return verdict_of(::semget(target.key(), 0, 0)); }},
      {"sysv_listing", [] { return list_system_v(); }},
      {"proc_sysvipc",
       [=] {
         // Decimal in the first column.
         const std::string key = std::to_string(target.key());
         return read_file("/proc/sysvipc/shm").find(key) != std::string::npos ? kReached : kNothing;
       }},
      {"mq_open", [=] { return verdict_of(::mq_open(posix_name.c_str(), O_RDONLY)); }},
      {"abstract_socket", [=] { return connect_unix("@" + target.token); }},
      {"tmp_socket", [=] { return connect_unix("/tmp/" + target.token + ".socket"); }},
      {"run_socket", [=] { return connect_unix("/run/" + target.token + ".socket"); }},
      {"any_socket", [] { return find_socket("", 8, "/run/sluice/guard"); }},
      {"proc_net_unix",
       [=] { return read_file("/proc/net/unix").find(target.token) != std::string::npos ? kReached : kNothing; }},
      {"user_keyring", [=] { return key_search(target, KEY_SPEC_USER_KEYRING); }},
      {"user_session_keyring", [=] { return key_search(target, KEY_SPEC_USER_SESSION_KEYRING); }},
      {"request_key",
       [=] {
         ::syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_PROCESS_KEYRING);
         return verdict_of(::syscall(SYS_request_key, "user", target.token.c_str(), nullptr, 0));
       }},
      {"add_key",
       [=] { return verdict_of(::syscall(SYS_add_key, "user", "sluice-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING)); }},
      {"proc_keys",
       [=] { return read_file("/proc/keys").find(target.token) != std::string::npos ? kReached : kNothing; }},
  };
}

}  // namespace sluice::attacks
