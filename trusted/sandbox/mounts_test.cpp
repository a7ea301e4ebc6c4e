// The mounts of a run, tried in namespaces of their own. Needs a kernel that `sluice doctor` finds fit.
#include "trusted/sandbox/mounts.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "trusted/sandbox/host_view.hpp"
#include "trusted/sandbox/probe.hpp"

namespace sluice::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kShown = 2'000'000'000;
// What a trial in a child returns when a step fails, so that a failure names its step.
enum Step { kOk = 0, kMounts = 201, kStage, kDetach, kAttach, kUse, kWrong };

int in_run(const std::function<int()>& trial) {
  return try_in_child([&] {
    if (const int error = enter_run_namespaces(); error != 0) return error;
    return try_in_child(trial);
  });
}

class Mounts : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::current_path() / "mounts-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(Mounts, AreInvisibleOutside) {
  const int result = in_run([] {
    if (!own_mounts()) return int{kMounts};
    if (!mount_run_directory("/mnt")) return int{kStage};
    return write_text("/mnt/sluice-mounts-test", "x") ? int{kOk} : int{kUse};
  });
  EXPECT_EQ(result, kOk);
  EXPECT_FALSE(fs::exists("/mnt/sluice-mounts-test"));
}

TEST_F(Mounts, ReadOnlyHolds) {
  std::ofstream(folder_ / "file") << "before";
  const auto trial = [&](bool read_only) {
    return in_run([&, read_only] {
      if (!own_mounts()) return int{kMounts};
      auto tree = detach(folder_);
      if (!tree) return int{kDetach};
      if (!mount_run_directory("/mnt") || mkdir("/mnt/grant", 0755) != 0) return int{kStage};
      if (!attach(tree.value(), "/mnt/grant", read_only)) return int{kAttach};
      return open("/mnt/grant/file", O_WRONLY | O_CLOEXEC) >= 0 ? int{kOk} : errno;
    });
  };
  EXPECT_EQ(trial(false), kOk);  // the positive control
  EXPECT_EQ(trial(true), EROFS);
}

TEST_F(Mounts, OwnerMapShowsTheOwnersFilesAsTheSubjects) {
  if (geteuid() != 0) GTEST_SKIP() << "owner maps are for runs started as root";
  chmod(folder_.c_str(), 0700);
  const auto trial = [&](bool mapped) {
    return in_run([&, mapped] {
      if (!own_mounts()) return int{kMounts};
      auto tree = mapped ? detach_mapped(folder_, {0, 0, kShown, kShown}) : detach(folder_);
      if (!tree) return int{kDetach};
      if (!mount_run_directory("/mnt") || mkdir("/mnt/grant", 0755) != 0) return int{kStage};
      if (!attach(tree.value(), "/mnt/grant", false)) return int{kAttach};
      if (setresgid(kShown, kShown, kShown) != 0 || setresuid(kShown, kShown, kShown) != 0) return int{kUse};
      return open("/mnt/grant/made", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ? int{kOk} : errno;
    });
  };
  EXPECT_EQ(trial(false), EACCES);  // without the map root's folder is closed to the subject
  EXPECT_EQ(trial(true), kOk);
  struct stat made {};
  ASSERT_EQ(stat((folder_ / "made").c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, 0U);
  EXPECT_EQ(made.st_gid, 0U);
}

TEST_F(Mounts, OwnInodesCarryNoLocks) {
  std::ofstream(folder_ / "file") << "x";
  // Locks the file through one way in, and asks through the other whether it is locked.
  const auto trial = [&](bool own) {
    return in_run([&, own] {
      if (!own_mounts()) return int{kMounts};
      auto tree = detach(folder_);
      if (!tree || !mount_run_directory("/mnt")) return int{kStage};
      for (const char* place : {"/mnt/lower", "/mnt/empty", "/mnt/a", "/mnt/b"}) {
        if (mkdir(place, 0755) != 0) return int{kStage};
      }
      if (!attach(tree.value(), "/mnt/lower", false)) return int{kAttach};
      if (own && (!mount_own_inodes("/mnt/lower", "/mnt/empty", "/mnt/a") ||
                  !mount_own_inodes("/mnt/lower", "/mnt/empty", "/mnt/b"))) {
        return int{kAttach};
      }
      const int one = open(own ? "/mnt/a/file" : "/mnt/lower/file", O_RDONLY | O_CLOEXEC);
      const int two = open(own ? "/mnt/b/file" : "/mnt/lower/file", O_RDONLY | O_CLOEXEC);
      if (one < 0 || two < 0 || flock(one, LOCK_EX | LOCK_NB) != 0) return int{kUse};
      return flock(two, LOCK_EX | LOCK_NB) == 0 ? int{kOk} : errno;
    });
  };
  EXPECT_EQ(trial(false), EWOULDBLOCK);  // one inode carries the lock over
  EXPECT_EQ(trial(true), kOk);
}

}  // namespace
}  // namespace sluice::sandbox
