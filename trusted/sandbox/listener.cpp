#include "trusted/sandbox/listener.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "trusted/sandbox/probe.hpp"

namespace sluice::sandbox {
namespace {

constexpr off_t kMostProgram = 1 << 20;

long load(std::vector<sock_filter>& program, unsigned flags) {
  sock_fprog descriptor{static_cast<unsigned short>(program.size()), program.data()};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &descriptor);
}

Result<long, Problem> load_program(const Fd& fd, unsigned flags) {
  const off_t size = lseek(fd.get(), 0, SEEK_END);
  if (size <= 0 || size > kMostProgram) return system_problem("cannot read the system-call filter");
  std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (pread(fd.get(), program.data(), static_cast<std::size_t>(size), 0) != size) {
    return system_problem("cannot read the system-call filter");
  }
  const long loaded = load(program, flags);
  if (loaded < 0) return system_problem("cannot load the system-call filter");
  return loaded;
}

/// A message of one byte with room for one descriptor.
struct Letter {
  char byte = 'l';
  iovec part{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};

  Letter() {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
};

}  // namespace

Result<Fd, Problem> load_heard_filter(const Fd& program) {
  const auto loaded = load_program(program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  if (!loaded) return loaded.error();
  return Fd(static_cast<int>(loaded.value()));
}

Status<Problem> load_filter(const Fd& program) {
  if (auto loaded = load_program(program, 0); !loaded) return loaded.error();
  return Unit{};
}

bool send_listener(const Fd& socket, const Fd& listener) {
  Letter letter;
  cmsghdr* header = CMSG_FIRSTHDR(&letter.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = listener.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(socket.get(), &letter.message, MSG_NOSIGNAL) == 1;
}

Fd receive_listener(const Fd& socket) {
  Letter letter;
  if (recvmsg(socket.get(), &letter.message, MSG_CMSG_CLOEXEC) != 1) return {};
  const cmsghdr* header = CMSG_FIRSTHDR(&letter.message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Fd(fd);
}

void answer_denials(const Fd& listener, const Fd& stop, const std::function<void(int number)>& heard) {
  seccomp_notif_sizes sizes{};
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) return;
  // A later kernel may write more than this one's header knows.
  std::vector<std::max_align_t> request(sizes.seccomp_notif / sizeof(std::max_align_t) + 1 + sizeof(seccomp_notif));
  std::vector<std::max_align_t> response(sizes.seccomp_notif_resp / sizeof(std::max_align_t) + 1 +
                                         sizeof(seccomp_notif_resp));
  auto& asked = *reinterpret_cast<seccomp_notif*>(request.data());
  auto& answer = *reinterpret_cast<seccomp_notif_resp*>(response.data());
  for (;;) {
    std::array<pollfd, 2> waits = {{{listener.get(), POLLIN, 0}, {stop.get(), POLLIN, 0}}};
    if (poll(waits.data(), waits.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    // Without POLLIN: the last process under the filter has ended.
    if (waits[1].revents != 0 || (waits[0].revents & POLLIN) == 0) return;
    std::memset(request.data(), 0, request.size() * sizeof(std::max_align_t));
    if (ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) {
      if (errno == ENOENT || errno == EINTR) continue;  // whoever called has been killed meanwhile
      return;
    }
    heard(asked.data.nr);
    std::memset(response.data(), 0, response.size() * sizeof(std::max_align_t));
    answer.id = asked.id;
    answer.error = -EPERM;
    static_cast<void>(ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer));
  }
}

bool can_listen() {
  return try_in_child([] {
           std::vector<sock_filter> program = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
           if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
           return load(program, SECCOMP_FILTER_FLAG_NEW_LISTENER) >= 0 ? 0 : errno;
         }) == 0;
}

}  // namespace sluice::sandbox
