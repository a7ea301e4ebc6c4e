#include "trusted/launcher/drain.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

Fd memory() { return Fd(memfd_create("drain-test", MFD_CLOEXEC)); }

std::string content(int fd) {
  std::string text(1 << 20, 0);
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

void put(const Fd& fd, std::string_view text) {
  ASSERT_EQ(write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

/// A drain of a subject of `ranks` ranks, with the writing ends of its pipes.
class DrainTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sluice-drain-test-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  void start(std::uint32_t ranks) {
    auto own = make_rank_pipes(folder_ / "own", 1, std::nullopt);
    auto pipes = make_rank_pipes(folder_ / "ranks", ranks, std::nullopt);
    ASSERT_TRUE(own.ok() && pipes.ok());
    mpiexec_.reset(open((folder_ / "own/0.out").c_str(), O_WRONLY | O_CLOEXEC));
    for (std::uint32_t rank = 0; rank < ranks; ++rank) {
      writers_.emplace_back(open((folder_ / "ranks" / (std::to_string(rank) + ".out")).c_str(), O_WRONLY | O_CLOEXEC));
    }
    OutputFiles files{memory(), memory()};
    // The drain closes its own descriptors.
    out_.reset(fcntl(files.out.get(), F_DUPFD_CLOEXEC, 3));
    terminal_ = std::make_unique<Terminal>(1, false);
    drain_ = std::make_unique<Drain>(Drain::Source{0, "SECRET", "x"}, std::move(own.value()[0]),
                                     std::move(pipes).value(), std::move(files), *terminal_);
  }

  /// Ends the drain; what the file for standard output then holds.
  std::string finish() {
    drain_->end();
    drain_.reset();
    terminal_->finish();
    return content(out_.get());
  }

  fs::path folder_;
  Fd mpiexec_;
  std::vector<Fd> writers_;
  Fd out_;
  std::unique_ptr<Terminal> terminal_;
  std::unique_ptr<Drain> drain_;
};

TEST_F(DrainTest, TellsRanksApartAndKeepsLinesWhole) {
  start(2);
  testing::internal::CaptureStdout();
  put(writers_[0], "be");
  put(writers_[1], "other\npart");
  put(writers_[0], "gin\n");
  put(mpiexec_, "says\n");
  const std::string kept = finish();
  const std::string shown = testing::internal::GetCapturedStdout();
  for (const char* line : {"0: begin\n", "1: other\n", "1: part\n", "mpiexec: says\n"})
    EXPECT_NE(kept.find(line), std::string::npos) << line << kept;
  for (const char* line : {"[SECRET x:0] begin\n", "[SECRET x:1] other\n", "[SECRET x:1] part\n", "[SECRET x] says\n"})
    EXPECT_NE(shown.find(line), std::string::npos) << line << shown;
}

TEST_F(DrainTest, OneRankHasTheFileForItself) {
  start(1);
  const std::string bytes("a\x1b[2J\n\0b\n", 9);
  testing::internal::CaptureStdout();
  put(writers_[0], bytes);
  EXPECT_EQ(finish(), "===== SECRET x =====\n" + bytes + "===== end SECRET x =====\n");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "[SECRET x:0] a\\x1b[2J\n[SECRET x:0] \\x00b\n");
}

TEST_F(DrainTest, EndsAlthoughAWriterIsLeft) {
  start(3);
  testing::internal::CaptureStdout();
  put(writers_[2], "held");
  EXPECT_NE(finish().find("2: held\n===== end"), std::string::npos);
  testing::internal::GetCapturedStdout();
}

}  // namespace
}  // namespace sluice::launcher
