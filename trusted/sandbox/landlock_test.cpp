#include "trusted/sandbox/landlock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "trusted/base/fd.hpp"
#include "trusted/sandbox/probe.hpp"

namespace sluice::sandbox {
namespace {

namespace fs = std::filesystem;

std::uint64_t rights_to(const std::vector<PathRule>& rules, const std::string& path) {
  std::uint64_t found = 0;
  for (const PathRule& rule : rules) {
    if (rule.path == path) found |= rule.rights;
  }
  return found;
}

TEST(PathRules, FollowWhatTheSandboxShows) {
  const auto rules = path_rules({{Entry::Kind::read_only, "/usr", "/stage/usr"},
                                 {Entry::Kind::link, "/bin", "usr/bin"},
                                 {Entry::Kind::processes, "/proc", ""},
                                 {Entry::Kind::devices, "/dev", ""},
                                 {Entry::Kind::device, "/dev/null", "/stage/null"},
                                 {Entry::Kind::scratch, "/tmp", ""},
                                 {Entry::Kind::writable, "/data/out", "/stage/grant0"},
                                 {Entry::Kind::read_only, "/pipes", "/stage/pipes"}},
                                {"/pipes"});
  EXPECT_EQ(rights_to(rules, "/usr"), rights::kRead);
  EXPECT_EQ(rights_to(rules, "/tmp"), rights::kChange);
  EXPECT_EQ(rights_to(rules, "/data/out"), rights::kChange);
  EXPECT_EQ(rights_to(rules, "/dev/shm"), rights::kChange);
  EXPECT_EQ(rights_to(rules, "/pipes"), rights::kRead | rights::kWriteFile);
  EXPECT_EQ(rights_to(rules, "/"), rights::kReadFolder) << "the root may be listed, not read";
  EXPECT_EQ(rights_to(rules, "/proc") & (rights::kMakeFile | rights::kExecute), 0U);
  EXPECT_EQ(rights_to(rules, "/dev") & (rights::kMakeFile | rights::kRemoveFile | rights::kExecute), 0U);
  EXPECT_EQ(rights_to(rules, "/bin"), 0U) << "a link leads to what has rules of its own";
  const std::uint64_t devices = rights::kMakeCharacterDevice | rights::kMakeBlockDevice;
  for (const PathRule& rule : rules) EXPECT_EQ(rule.rights & devices, 0U) << rule.path;
}

TEST(PathRules, TextIsReadBackAndBrokenTextIsNot) {
  const std::vector<PathRule> rules = {{"/", 8}, {"/a path\nwith a line", 0xffff}};
  const auto read = parse_rules(print_rules(rules));
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value(), rules);
  for (const char* broken : {"x /usr", "5", "5 /usr", "5/usr", " /usr"}) {
    EXPECT_FALSE(parse_rules(broken)) << broken;
  }
  EXPECT_FALSE(parse_rules(std::string("5 \0", 3)));
}

class LandlockTest : public ::testing::Test {
 protected:
  LandlockTest() {
    std::string name = (fs::temp_directory_path() / "sluice-landlock-XXXXXX").string();
    base_ = ::mkdtemp(name.data());
    for (const char* folder : {"read", "change", "other"}) {
      fs::create_directory(base_ / folder);
      std::ofstream(base_ / folder / "file") << "text";
    }
  }
  ~LandlockTest() override { fs::remove_all(base_); }

  /// errno of opening `path`, or 0.
  [[nodiscard]] int opening(const char* path, int flags) const {
    return Fd(::open((base_ / path).c_str(), flags | O_CLOEXEC, 0600)).valid() ? 0 : errno;
  }

  fs::path base_;
};

TEST_F(LandlockTest, EnforcedRulesLetThroughWhatTheySayAndNothingElse) {
  const auto rules =
      path_rules({{Entry::Kind::read_only, base_ / "read", ""}, {Entry::Kind::writable, base_ / "change", ""}}, {});
  // The control: without rules everything can be done.
  ASSERT_EQ(opening("other/file", O_RDWR), 0);
  ASSERT_EQ(opening("read/file", O_RDWR), 0);
  const int result = try_in_child([&] {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const auto enforced = enforce_rules(rules);
    if (landlock_version() == 0) {
      return !enforced && enforced.error().kind == ProblemKind::host && !enforced.error().mend.empty() ? 0 : 1;
    }
    if (!enforced) return 2;
    if (opening("read/file", O_RDONLY) != 0 || opening("read/file", O_WRONLY) != EACCES) return 3;
    if (opening("read/new", O_WRONLY | O_CREAT) != EACCES) return 4;
    if (opening("change/file", O_RDWR) != 0 || opening("change/new", O_WRONLY | O_CREAT) != 0) return 5;
    if (opening("other/file", O_RDONLY) != EACCES) return 6;
    if (opening("other", O_RDONLY | O_DIRECTORY) != 0) return 7;
    // Not by a link either, nor by moving it to where it may be read.
    fs::create_symlink(base_ / "other/file", base_ / "change/link");
    if (opening("change/link", O_RDONLY) != EACCES) return 8;
    return ::rename((base_ / "other/file").c_str(), (base_ / "change/moved").c_str()) != 0 ? 0 : 9;
  });
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace sluice::sandbox
