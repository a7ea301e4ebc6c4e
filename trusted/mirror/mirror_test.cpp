// A mirror mounted in namespaces of the test's own, read through the kernel.
#include "trusted/mirror/mirror.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "trusted/sandbox/file_system.hpp"
#include "trusted/sandbox/mounts.hpp"
#include "trusted/sandbox/probe.hpp"

namespace sluice::mirror {
namespace {

namespace fs = std::filesystem;

class MirrorTest : public ::testing::Test {
 protected:
  MirrorTest() {
    std::string name = (fs::temp_directory_path() / "sluice-mirror-XXXXXX").string();
    base_ = ::mkdtemp(name.data());
    fs::permissions(base_, fs::perms(0755));
    fs::create_directories(base_ / "host/folder/inner");
    fs::create_directory(base_ / "seen");
    std::ofstream(base_ / "host/text") << "some text\n";
    std::ofstream(base_ / "host/folder/large") << std::string(3'000'001, 'x') << "end";
    fs::create_symlink("/etc/passwd", base_ / "host/link");
    fs::create_symlink("folder", base_ / "host/way");
  }
  ~MirrorTest() override { fs::remove_all(base_); }

  /// Runs `trial` in a child that has the mirror of host/ mounted at seen/. What it returns, 0 for success; where this
  /// host does not let anybody open /dev/fuse, that mounting says so.
  int with_mirror(const std::function<int()>& trial, Reading reading = Reading::direct) const {
    if (::access("/dev/fuse", R_OK | W_OK) != 0) {
      const auto mounted = sandbox::mount_mirror(base_ / "seen", true, ::geteuid());
      return !mounted && mounted.error().kind == sandbox::ProblemKind::host ? 0 : 100;
    }
    return sandbox::try_in_child([&] {
      if (sandbox::enter_run_namespaces() != 0) return 101;
      return sandbox::try_in_child([&] {
        Fd root(::open((base_ / "host").c_str(), O_PATH | O_CLOEXEC));
        if (!sandbox::own_mounts()) return 102;
        auto fuse = sandbox::mount_mirror(base_ / "seen", true, ::geteuid());
        if (!fuse) return 103;
        const pid_t server = ::fork();
        if (server == 0) ::_exit(serve(root, std::move(fuse).value(), 60, reading));
        { const Fd ours = std::move(fuse).value(); }
        const int result = trial();
        ::kill(server, SIGKILL);
        ::waitpid(server, nullptr, 0);
        return result;
      });
    });
  }

  static std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  static std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& item : fs::directory_iterator(folder)) names.push_back(item.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path base_;
};

TEST_F(MirrorTest, AShortageIsNotTakenForAHostWithoutFuse) {
  const int result = sandbox::try_in_child([this] {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return 1;
    const auto mounted = sandbox::mount_mirror(base_ / "seen", true, ::geteuid());
    if (mounted) return 2;
    return mounted.error().kind == sandbox::ProblemKind::system ? 0 : 3;
  });
  EXPECT_EQ(result, 0);
}

TEST_F(MirrorTest, ShowsWhatIsThere) {
  const int result = with_mirror([this] {
    const fs::path seen = base_ / "seen";
    if (text_of(seen / "text") != "some text\n") return 1;
    if (text_of(seen / "folder/large") != text_of(base_ / "host/folder/large")) return 2;
    if (names_in(seen) != std::vector<std::string>{"folder", "link", "text", "way"}) return 3;
    if (fs::read_symlink(seen / "link") != "/etc/passwd") return 4;
    if (text_of(seen / "way/large").size() != 3'000'004) return 5;
    if (::access((seen / "nothing").c_str(), F_OK) == 0 || errno != ENOENT) return 6;
    struct stat there {};
    struct stat here {};
    if (::lstat((base_ / "host/text").c_str(), &there) != 0 || ::lstat((seen / "text").c_str(), &here) != 0) return 7;
    return here.st_mode == there.st_mode && here.st_size == there.st_size && here.st_dev != there.st_dev ? 0 : 8;
  });
  EXPECT_EQ(result, 0);
}

TEST_F(MirrorTest, ReadsTheSameThroughTheHostsCache) {
  const int result = with_mirror(
      [this] { return text_of(base_ / "seen/folder/large") == text_of(base_ / "host/folder/large") ? 0 : 1; },
      Reading::cached);
  EXPECT_EQ(result, 0);
}

/// Pages of a file that the host has in memory.
std::size_t pages_in_memory(const fs::path& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const std::size_t bytes = fs::file_size(path);
  void* memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.get(), 0);
  std::vector<unsigned char> there((bytes + 4095) / 4096);
  if (memory == MAP_FAILED || ::mincore(memory, bytes, there.data()) != 0) return 0;
  ::munmap(memory, bytes);
  return static_cast<std::size_t>(std::count_if(there.begin(), there.end(), [](auto one) { return (one & 1) != 0; }));
}

TEST_F(MirrorTest, ReadingLeavesNothingInTheHostsCache) {
  const fs::path host = base_ / "host/folder/large";
  const Fd file(::open(host.c_str(), O_RDONLY | O_CLOEXEC));
  if (!sandbox::reads_past_cache(Fd(::open((base_ / "host").c_str(), O_PATH | O_CLOEXEC)))) {
    EXPECT_FALSE(Fd(::open(host.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC)));  // a file system that cannot
    return;
  }
  const auto left_by = [&](Reading reading) -> std::size_t {
    ::fsync(file.get());
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    if (pages_in_memory(host) != 0) return 1'000'000;
    const int read =
        with_mirror([this] { return text_of(base_ / "seen/folder/large").size() == 3'000'004 ? 0 : 1; }, reading);
    return read == 0 ? pages_in_memory(host) : 2'000'000;
  };
  EXPECT_EQ(left_by(Reading::direct), 0U);
  EXPECT_EQ(left_by(Reading::cached), 733U) << "the control";
}

TEST_F(MirrorTest, NothingCanBeWrittenAndTheDiskIsNotTold) {
  const int result = with_mirror([this] {
    const fs::path seen = base_ / "seen";
    if (::open((seen / "text").c_str(), O_WRONLY) >= 0 || errno != EROFS) return 1;
    if (::open((seen / "new").c_str(), O_WRONLY | O_CREAT, 0600) >= 0 || errno != EROFS) return 2;
    if (::unlink((seen / "text").c_str()) == 0 || ::rename((seen / "text").c_str(), (seen / "a").c_str()) == 0)
      return 3;
    struct statvfs disk {};
    if (::statvfs(seen.c_str(), &disk) != 0) return 4;
    return disk.f_blocks == 0 && disk.f_bfree == 0 && disk.f_ffree == 0 ? 0 : 5;
  });
  EXPECT_EQ(result, 0);
}

/// Whether a waiter on the first word of `a` is woken through the first word of `b`, which both can only be read.
bool wakes(const fs::path& a, const fs::path& b) {
  const auto map = [](const fs::path& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0);
  };
  void* waited = map(a);
  void* woken = map(b);
  if (waited == MAP_FAILED || woken == MAP_FAILED) return false;
  const pid_t waiter = ::fork();
  if (waiter == 0) {
    const auto value = *static_cast<const volatile std::uint32_t*>(waited);
    const timespec limit{2, 0};
    ::syscall(SYS_futex, waited, FUTEX_WAIT, value, &limit, nullptr, 0);
    ::_exit(0);
  }
  bool found = false;
  for (int i = 0; i < 100 && !found && ::waitpid(waiter, nullptr, WNOHANG) == 0; ++i) {
    static_cast<void>(*static_cast<const volatile std::uint32_t*>(woken));
    found = ::syscall(SYS_futex, woken, FUTEX_WAKE, 1, nullptr, nullptr, 0) > 0;
    ::usleep(10'000);
  }
  ::kill(waiter, SIGKILL);
  ::waitpid(waiter, nullptr, 0);
  return found;
}

TEST_F(MirrorTest, PagesAreNotTheHosts) {
  // The control: two mappings of the file itself, one of them as private as can be, share a futex.
  EXPECT_TRUE(wakes(base_ / "host/text", base_ / "host/text"));
  const int result = with_mirror([this] {
    if (wakes(base_ / "host/text", base_ / "seen/text")) return 1;
    return wakes(base_ / "seen/text", base_ / "host/text") ? 2 : 0;
  });
  EXPECT_EQ(result, 0);
}

TEST_F(MirrorTest, EndOfTheServerIsAnErrorAndNoHang) {
  const int result = with_mirror([this] {
    const auto children = [] { return text_of("/proc/thread-self/children"); };
    const pid_t server = std::stoi(children());
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
    struct stat status {};
    return ::stat((base_ / "seen/folder/large").c_str(), &status) != 0 && errno == ENOTCONN ? 0 : 1;
  });
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace sluice::mirror
