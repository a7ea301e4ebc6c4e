// A subject that owns one of everything, and says at its end whether anybody has come by.
//
//   victim TOKEN SECRET PORT FOLDER
//
// TOKEN is in the names of all that it owns; FOLDER is its writable directory. It prints `VICTIM READY` when all is
// there, and ends when FOLDER/stop appears, with `VICTIM VISITORS n` and `VICTIM MEMORY intact|changed`.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/attacks/attempts.hpp"

namespace {

using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)

volatile std::sig_atomic_t signals = 0;

int write_new_file(const std::string& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0666);
  return fd >= 0 && ::write(fd, text.data(), text.size()) > 0 ? fd : -1;
}

int listen_at(int family, const sockaddr* address, socklen_t size) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  return ::bind(fd, address, size) == 0 && ::listen(fd, 8) == 0 ? fd : -1;
}

int listen_unix(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return listen_at(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), size);
}

int listen_tcp(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  return listen_at(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

/// One page of a file, mapped and touched; a child waits on its first word.
void map_shared_file() {
  const int fd = ::open(kSharedFile, O_RDONLY | O_CLOEXEC);
  const volatile char* page = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0));
  if (page == MAP_FAILED) return;
  static_cast<void>(page[0]);
  if (::fork() != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto value = *reinterpret_cast<const volatile unsigned*>(page);
  for (;;) {
    if (::syscall(SYS_futex, page, FUTEX_WAIT, value, nullptr, nullptr, 0) != 0) ::usleep(10'000);
  }
}

/// A lock of every kind on every file that others can open too. Failures are as good as none: the sandbox may refuse.
void hold_locks() {
  for (const std::string& path : common_files()) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    ::flock(fd, LOCK_EX | LOCK_NB);
    struct flock range {};
    range.l_type = F_RDLCK;
    range.l_len = 1;
    ::fcntl(fd, F_SETLK, &range);
    range.l_start = 1;
    range.l_pid = 0;
    ::fcntl(fd, F_OFD_SETLK, &range);
  }
}

/// Keys, queues and segments that nothing but their number names. System V ones outlive the process: see let_go().
void own_numbers(const Target& target) {
  const int memory = ::shmget(target.key(), 4096, IPC_CREAT | 0666);
  void* place = memory >= 0 ? ::shmat(memory, nullptr, 0) : MAP_FAILED;
  if (place != MAP_FAILED) std::memcpy(place, target.secret.data(), target.secret.size());
  static_cast<void>(::msgget(target.key(), IPC_CREAT | 0666));
  ::semget(target.key(), 1, IPC_CREAT | 0666);  // NOLINT(bugprone-unused-return-value): what it owns stays
  mq_attr attributes{};
  attributes.mq_maxmsg = 2;
  attributes.mq_msgsize = 64;
  ::mq_open(("/" + target.token).c_str(), O_CREAT | O_RDWR, 0666, &attributes);
  ::syscall(SYS_add_key, "user", target.token.c_str(), target.secret.data(), target.secret.size(),
            KEY_SPEC_USER_KEYRING);
}

void let_go(const Target& target) {
  ::shmctl(::shmget(target.key(), 0, 0), IPC_RMID, nullptr);
  ::msgctl(::msgget(target.key(), 0), IPC_RMID, nullptr);
  ::semctl(::semget(target.key(), 0, 0), 0, IPC_RMID);
  ::mq_unlink(("/" + target.token).c_str());
  ::unlink(("/dev/shm/" + target.token).c_str());
  ::unlink(("/tmp/" + target.token).c_str());
  ::unlink(("/tmp/" + target.token + ".socket").c_str());
  ::unlink(("/run/" + target.token + ".socket").c_str());
  const auto key = ::syscall(SYS_request_key, "user", target.token.c_str(), nullptr, 0);
  if (key > 0) ::syscall(SYS_keyctl, KEYCTL_INVALIDATE, key);
}

void secret_in_memory(const std::string& secret) {
  void* place =
      ::mmap(secret_place(), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (place == MAP_FAILED) std::exit(3);
  std::memcpy(place, secret.c_str(), secret.size() + 1);
}

/// Takes visitors until the folder has a file `stop`, 60 s at most. Returns how many came.
int wait_for_visitors(const std::string& folder, const std::vector<int>& listeners) {
  std::vector<pollfd> polled;
  polled.reserve(listeners.size());
  for (const int fd : listeners) polled.push_back({fd, POLLIN, 0});
  int visitors = 0;
  for (int waited = 0; waited < 600 && ::access((folder + "/stop").c_str(), F_OK) != 0; ++waited) {
    if (::poll(polled.data(), polled.size(), 100) <= 0) continue;
    for (const pollfd& one : polled) {
      if (one.revents == 0 || one.fd < 0) continue;
      const int visitor = ::accept4(one.fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (visitor < 0) continue;
      ++visitors;
      ::close(visitor);
    }
  }
  return visitors;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: victim TOKEN SECRET PORT FOLDER\n");
    return 2;
  }
  Target target;
  target.token = argv[1];
  target.secret = argv[2];
  const std::string folder = argv[4];
  std::signal(SIGUSR1, [](int) { signals = signals + 1; });
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);  // no help from Yama
  secret_in_memory(target.secret);
  write_new_file(folder + "/secret", target.secret);
  write_new_file("/tmp/" + target.token, target.secret);
  write_new_file("/dev/shm/" + target.token, target.secret);
  own_numbers(target);
  hold_locks();
  map_shared_file();
  const std::vector<int> listeners = {listen_unix("@" + target.token), listen_unix("/tmp/" + target.token + ".socket"),
                                      listen_unix("/run/" + target.token + ".socket"),
                                      listen_tcp(static_cast<std::uint16_t>(number_in(argv[3])))};
  std::printf("VICTIM NAMESPACES %s\nVICTIM INODES %s\nVICTIM READY\n", namespace_numbers().c_str(),
              inode_numbers().c_str());
  std::fflush(stdout);
  const int visitors = wait_for_visitors(folder, listeners);
  let_go(target);
  const bool intact = std::strcmp(static_cast<const char*>(secret_place()), target.secret.c_str()) == 0;
  std::printf("VICTIM VISITORS %d\nVICTIM SIGNALS %d\nVICTIM MEMORY %s\n", visitors, static_cast<int>(signals),
              intact ? "intact" : "changed");
  return 0;
}
