#include "trusted/sandbox/proc_covers.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "trusted/sandbox/mounts.hpp"
#include "trusted/sandbox/probe.hpp"

namespace sluice::sandbox {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A process in a mount namespace of its own, until it is killed.
pid_t start_other() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return -1;
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  const pid_t pid = fork();
  if (pid == 0) {
    if (unshare(CLONE_NEWNS) != 0 || write(writer.get(), "r", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  return read(reader.get(), &byte, 1) == 1 ? pid : -1;
}

int try_covers(const fs::path& base) {
  if (!own_mounts()) return 1;
  const pid_t pid = start_other();
  if (pid < 0) return 2;
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const fs::path seen = "/proc/" + std::to_string(pid) + "/root" + base.string();
  if (text_of(seen / "place") != "the host's") return 3;  // the control
  const std::vector<Entry> covers = {{Entry::Kind::read_only, base / "place", base / "copy"}};
  if (!cover(process, covers)) return 4;
  if (text_of(seen / "place") != "a copy" || text_of(base / "place") != "the host's") return 5;
  if (std::ofstream(seen / "place") || errno != EROFS) return 6;
  const std::vector<Entry> nowhere = {{Entry::Kind::read_only, base / "nothing", base / "copy"}};
  if (cover(process, nowhere)) return 7;
  kill(pid, SIGKILL);
  return waitpid(pid, nullptr, 0) == pid && !cover(process, covers) ? 0 : 8;
}

TEST(ProcCovers, ShowInTheOtherNamespaceAlone) {
  char pattern[] = "/tmp/sluice-proc-covers-test-XXXXXX";
  ASSERT_NE(mkdtemp(pattern), nullptr);
  const fs::path base = pattern;
  std::ofstream(base / "place") << "the host's";
  std::ofstream(base / "copy") << "a copy";
  EXPECT_EQ(try_in_child([&] {
              if (enter_run_namespaces() != 0) return 100;
              return try_in_child([&] { return try_covers(base); });
            }),
            0);
  fs::remove_all(base);
}

}  // namespace
}  // namespace sluice::sandbox
