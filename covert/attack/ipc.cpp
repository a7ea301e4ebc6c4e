// Class 13: things that have a name, or are found by a key, outside of any file system that the policy grants.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

key_t key_of(const Place& place) {
  return static_cast<key_t>((std::hash<std::string>{}(place.token) & 0x3fffffff) | 0x40000000);
}

/// 0, or the errno.
double outcome(long returned) { return returned >= 0 ? 0 : errno; }

/// Makes `address` of a path, or of an abstract name that starts with '@'; returns its length.
socklen_t unix_address(const std::string& name, sockaddr_un& address) {
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
}

std::unique_ptr<Attack> unix_socket(const std::string& name) {
  const auto held = std::make_shared<Fd>();
  Parts parts;
  parts.put = [=] {
    held->reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    const socklen_t size = unix_address(name, address);
    if (::bind(held->get(), reinterpret_cast<sockaddr*>(&address), size) == 0) ::listen(held->get(), 8);
  };
  parts.take = [=] {
    held->reset();
    if (name[0] != '@') ::unlink(name.c_str());
  };
  parts.look = [=] {
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    const socklen_t size = unix_address(name, address);
    return outcome(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), size));
  };
  return presence(parts);
}

std::unique_ptr<Attack> abstract_socket(const Place& place) { return unix_socket("@" + place.token); }
std::unique_ptr<Attack> named_socket(const Place& place) { return unix_socket("/tmp/" + place.token + ".socket"); }

sockaddr_in loopback(const Place& place) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(20000 + std::hash<std::string>{}(place.token) % 10000));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::unique_ptr<Attack> loopback_port(const Place& place) {
  const auto held = std::make_shared<Fd>();
  const sockaddr_in address = loopback(place);
  Parts parts;
  parts.put = [=] {
    held->reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const int bound = ::bind(held->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    static_cast<void>(bound);
  };
  parts.take = [=] { held->reset(); };
  // A port that is taken cannot be bound.
  parts.look = [=] {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return outcome(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
  };
  return presence(parts);
}

std::unique_ptr<Attack> system_v_memory(const Place& place) {
  const key_t key = key_of(place);
  Parts parts;
  parts.put = [=] { ::shmget(key, 4096, IPC_CREAT | 0666); };
  parts.take = [=] { ::shmctl(::shmget(key, 0, 0), IPC_RMID, nullptr); };
  parts.look = [=] { return outcome(::shmget(key, 0, 0)); };
  return presence(parts);
}

std::unique_ptr<Attack> system_v_semaphore(const Place& place) {
  const key_t key = key_of(place);
  Parts parts;
  parts.put = [=] { ::semget(key, 1, IPC_CREAT | 0666); };
  parts.take = [=] { ::semctl(::semget(key, 0, 0), 0, IPC_RMID); };
  parts.look = [=] { return outcome(::semget(key, 0, 0)); };
  return presence(parts);
}

std::unique_ptr<Attack> system_v_queue(const Place& place) {
  const key_t key = key_of(place);
  Parts parts;
  parts.prepare = [=] { return ::msgget(key, 0) < 0 && errno != ENOENT ? refusal("msgget") : std::string(); };
  parts.put = [=] { ::msgget(key, IPC_CREAT | 0666); };
  parts.take = [=] { ::msgctl(::msgget(key, 0), IPC_RMID, nullptr); };
  parts.look = [=] { return outcome(::msgget(key, 0)); };
  return presence(parts);
}

std::unique_ptr<Attack> posix_memory(const Place& place) {
  const std::string name = "/" + place.token;
  Parts parts;
  parts.put = [=] { ::close(::shm_open(name.c_str(), O_CREAT | O_RDWR, 0666)); };
  parts.take = [=] { ::shm_unlink(name.c_str()); };
  parts.look = [=] {
    const Fd memory(::shm_open(name.c_str(), O_RDONLY, 0));
    return memory ? 0.0 : outcome(-1);
  };
  return presence(parts);
}

std::unique_ptr<Attack> posix_queue(const Place& place) {
  const std::string name = "/" + place.token;
  Parts parts;
  parts.prepare = [=] {
    const mqd_t queue = ::mq_open(name.c_str(), O_RDONLY);
    if (queue >= 0) ::mq_close(queue);
    return queue < 0 && errno != ENOENT ? refusal("mq_open") : std::string();
  };
  parts.put = [=] { ::mq_close(::mq_open(name.c_str(), O_CREAT | O_RDWR, 0666, nullptr)); };
  parts.take = [=] { ::mq_unlink(name.c_str()); };
  parts.look = [=] {
    const mqd_t queue = ::mq_open(name.c_str(), O_RDONLY);
    if (queue < 0) return outcome(-1);
    ::mq_close(queue);
    return 0.0;
  };
  return presence(parts);
}

std::unique_ptr<Attack> keyring(const Place& place) {
  const std::string name = place.token;
  Parts parts;
  parts.prepare = [=] {
    const long found = ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", name.c_str(), 0);
    return found < 0 && errno != ENOKEY ? refusal("keyctl") : std::string();
  };
  parts.put = [=] { ::syscall(SYS_add_key, "user", name.c_str(), "x", 1, KEY_SPEC_USER_KEYRING); };
  parts.take = [=] {
    const long key = ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", name.c_str(), 0);
    ::syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
  };
  parts.look = [=] {
    return outcome(::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", name.c_str(), 0));
  };
  return presence(parts);
}

}  // namespace

std::vector<Means> ipc_means() {
  constexpr microseconds kSlot{2000};
  static constexpr char kNet[] = "one network namespace";
  static constexpr char kIpc[] = "one IPC namespace";
  const auto storage = [](const char* name, const char* what, const char* needs,
                          std::unique_ptr<Attack> (*make)(const Place&)) {
    return Means{13, name, what, needs, Kind::storage, kSlot, false, make};
  };
  return {
      storage("abstract_socket", "an abstract Unix socket is bound", kNet, abstract_socket),
      storage("named_socket", "a Unix socket in /tmp is bound", "one /tmp", named_socket),
      storage("loopback_port", "a port of the loopback address is taken", kNet, loopback_port),
      storage("sysv_memory", "System V memory has a key", kIpc, system_v_memory),
      storage("sysv_semaphore", "System V semaphores have a key", kIpc, system_v_semaphore),
      storage("sysv_queue", "a System V queue has a key", kIpc, system_v_queue),
      storage("posix_memory", "a name in /dev/shm", "one /dev/shm", posix_memory),
      storage("posix_queue", "a POSIX message queue has a name", kIpc, posix_queue),
      storage("keyring", "a key is in the user keyring", "one user, and the key calls", keyring),
  };
}

}  // namespace sluice::covert
