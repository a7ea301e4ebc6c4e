#include "trusted/sandbox/listener.hpp"

#include <gtest/gtest.h>
#include <linux/keyctl.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <string>

#include "trusted/sandbox/seccomp.hpp"

namespace sluice::sandbox {
namespace {

constexpr int kCalls = 1000;

/// In the child: 0 if the calls that are denied give EPERM and others go on as ever.
int try_calls() {
  for (int i = 0; i < kCalls; ++i) {
    if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 1) != -1 || errno != EPERM) return 3;
  }
  if (syscall(SYS_ptrace, 0, 0, 0, 0) != -1 || errno != EPERM) return 4;
  if (syscall(SYS_getppid) <= 0) return 5;
  return 0;
}

TEST(Listener, HearsEachDeniedCallUntilNobodyIsLeft) {
  if (!can_listen()) {
    // In a container that has a listener of its own: then the kernel refuses by itself, which seccomp_test.cpp tries.
    EXPECT_FALSE(can_listen());
    return;
  }
  auto filter = system_call_filter({.file_locks = true, .tell_denials = true});
  ASSERT_TRUE(filter.ok());
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    const Fd socket(ends[1]);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(1);
    auto listener = load_heard_filter(filter.value().denials);
    if (!listener || !send_listener(socket, listener.value())) _exit(2);
    listener.value().reset();
    _exit(try_calls());
  }
  Fd(ends[1]).reset();
  const Fd listener = receive_listener(Fd(ends[0]));
  ASSERT_TRUE(static_cast<bool>(listener));
  std::map<std::string, int> heard;
  const Fd never(eventfd(0, EFD_CLOEXEC));
  answer_denials(listener, never, [&heard](int number) { ++heard[name_of_call(number)]; });
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(heard, (std::map<std::string, int>{{"keyctl", kCalls}, {"ptrace", 1}}));
}

TEST(Listener, EndOfTheOtherSideIsNoDescriptor) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  Fd(ends[1]).reset();
  EXPECT_FALSE(static_cast<bool>(receive_listener(Fd(ends[0]))));
}

TEST(Listener, WithoutOneTheKernelRefuses) {
  auto filter = system_call_filter({.file_locks = true, .tell_denials = true});
  ASSERT_TRUE(filter.ok());
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !load_filter(filter.value().denials)) _exit(1);
    _exit(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -3, 1) == -1 && errno == ENOSYS ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sluice::sandbox
