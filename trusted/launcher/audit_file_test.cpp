#include "trusted/launcher/audit_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "trusted/launcher/audit_testing.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

using AuditFileTest = testing::AuditFolderTest;

TEST_F(AuditFileTest, OnlyGrowsAndIsItsOwnersAlone) {
  for (int run = 0; run < 2; ++run) {
    auto opened = AuditFile::open(file_);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened.value().append("line " + std::to_string(run)));
  }
  EXPECT_EQ(text_of(file_), "line 0\nline 1\n");
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(AuditFileTest, FullFileMakesRoomWhileTheRunGoesOnAndNineAreKept) {
  auto opened = AuditFile::open(file_);
  ASSERT_TRUE(opened);
  for (int file = 0; file < 12; ++file) {
    fs::resize_file(file_, 16U << 20U);
    ASSERT_TRUE(opened.value().append(std::to_string(file)));
    EXPECT_EQ(text_of(file_), std::to_string(file) + "\n");
  }
  EXPECT_EQ(text_of(folder_ / "run.log.1").substr(0, 3), "10\n");
  EXPECT_TRUE(fs::exists(folder_ / "run.log.9"));
  EXPECT_FALSE(fs::exists(folder_ / "run.log.10"));
}

TEST_F(AuditFileTest, RotationIsMadeOnceByRunsThatShareAFile) {
  auto first = AuditFile::open(file_);
  auto second = AuditFile::open(file_);
  ASSERT_TRUE(first && second);
  fs::resize_file(file_, 16U << 20U);
  ASSERT_TRUE(first.value().append("first"));
  ASSERT_TRUE(second.value().append("second"));
  EXPECT_EQ(text_of(file_), "first\nsecond\n");
  EXPECT_FALSE(fs::exists(folder_ / "run.log.2"));
}

TEST_F(AuditFileTest, FolderHoldsOneFileForEachRun) {
  for (int run = 0; run < 2; ++run) {
    auto opened = AuditFile::open(folder_ / "logs/");
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened.value().append("line"));
  }
  std::size_t files = 0;
  for (const auto& item : fs::directory_iterator(folder_ / "logs")) {
    ++files;
    EXPECT_EQ(text_of(item.path()), "line\n");
  }
  EXPECT_EQ(files, 2U);
}

TEST_F(AuditFileTest, LinkIsNotFollowedAndAPipeIsNoFile) {
  fs::create_symlink("/dev/null", file_);
  EXPECT_FALSE(AuditFile::open(file_));
  fs::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_FALSE(AuditFile::open(file_));
}

TEST_F(AuditFileTest, TornLineIsEndedBeforeTheNextOne) {
  auto opened = AuditFile::open(file_);
  ASSERT_TRUE(opened);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_FALSE(opened.value().append("a long line"));
  EXPECT_FALSE(opened.value().append("another"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(opened.value().append("whole"));
  EXPECT_EQ(text_of(file_), "a lo\nwhole\n");
}

}  // namespace
}  // namespace sluice::launcher
