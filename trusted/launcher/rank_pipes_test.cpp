#include "trusted/launcher/rank_pipes.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

class RankPipesTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sluice-rank-pipes-test-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string place() const { return folder_ / "output"; }

  fs::path folder_;
};

TEST_F(RankPipesTest, AreTheOwnersAlone) {
  auto pipes = make_rank_pipes(place(), 2, std::nullopt);
  ASSERT_TRUE(pipes.ok()) << pipes.error().what;
  ASSERT_EQ(pipes.value().size(), 2U);
  for (const char* name : {"0.out", "0.err", "1.out", "1.err"}) {
    struct stat status {};
    ASSERT_EQ(stat((fs::path(place()) / name).c_str(), &status), 0) << name;
    EXPECT_TRUE(S_ISFIFO(status.st_mode));
    EXPECT_EQ(status.st_mode & 07777, 0600U);
  }
}

TEST_F(RankPipesTest, WritersComeAndGo) {
  auto pipes = make_rank_pipes(place(), 1, std::nullopt);
  ASSERT_TRUE(pipes.ok()) << pipes.error().what;
  const int ours = pipes.value()[0].out.get();
  std::array<char, 16> bytes{};
  for (int i = 0; i < 2; ++i) {
    const Fd writer(open((place() + "/0.out").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    ASSERT_TRUE(writer);
    ASSERT_EQ(write(writer.get(), "ab", 2), 2);
    EXPECT_EQ(read(ours, bytes.data(), bytes.size()), 2);
  }
  EXPECT_EQ(read(ours, bytes.data(), bytes.size()), -1);  // no end, although no writer is left
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(RankPipesTest, NothingThatIsThereIsUsed) {
  ASSERT_TRUE(make_rank_pipes(place(), 1, std::nullopt).ok());
  EXPECT_FALSE(make_rank_pipes(place(), 1, std::nullopt).ok());
}

}  // namespace
}  // namespace sluice::launcher
