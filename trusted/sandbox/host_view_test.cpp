#include "trusted/sandbox/host_view.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::sandbox {
namespace {

namespace fs = std::filesystem;

class HostView : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sluice-host-view-test-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    folder_ = pattern;
    const auto files = HostFiles::read();
    ASSERT_TRUE(files.ok()) << files.error().what;
    auto made = files.value().lay_out_below(folder_);
    ASSERT_TRUE(made.ok()) << made.error().what;
    entries_ = std::move(made.value().entries);
    const std::vector<Entry>& covers = made.value().proc_covers;
    entries_.insert(entries_.end(), covers.begin(), covers.end());
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string source_of(const std::string& place) const {
    for (const Entry& entry : entries_) {
      if (entry.place == place) return entry.source;
    }
    return "";
  }
  static std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  fs::path folder_;
  std::vector<Entry> entries_;
};

TEST_F(HostView, CoversEverythingInProcThatIsNoProcess) {
  std::size_t covered = 0;
  for (const auto& item : fs::directory_iterator("/proc")) {
    const std::string name = item.path().filename();
    if (std::isdigit(static_cast<unsigned char>(name[0])) != 0) continue;
    if (name == "self" || name == "thread-self" || name == "mounts" || name == "net") continue;
    EXPECT_FALSE(source_of(item.path()).empty()) << name;
    ++covered;
  }
  EXPECT_GT(covered, 20U);
}

TEST_F(HostView, ShowsNothingOfOthers) {
  for (const char* name : {"vmstat", "interrupts", "diskstats", "locks"}) {
    const fs::path live = fs::path("/proc") / name;
    if (!fs::exists(live)) continue;
    EXPECT_EQ(read(source_of(live)), "") << name;
  }
  EXPECT_EQ(read(source_of("/proc/loadavg")), "0.00 0.00 0.00 1/1 1\n");
  EXPECT_FALSE(fs::exists(source_of("/proc/sys") + "/fs/file-nr"));
  EXPECT_FALSE(fs::exists(source_of("/etc") + "/shadow"));
  EXPECT_EQ(read(source_of("/etc") + "/passwd").find("root"), std::string::npos);
}

TEST_F(HostView, ShowsTheMachine) {
  EXPECT_NE(read(source_of("/proc/meminfo")).find("MemTotal"), std::string::npos);
  EXPECT_NE(read(source_of("/proc/cpuinfo")).find("processor"), std::string::npos);
  EXPECT_FALSE(read(source_of("/proc/sys") + "/kernel/osrelease").empty());
  EXPECT_TRUE(fs::exists(source_of("/etc") + "/ld.so.cache"));
}

TEST_F(HostView, CopiesAreOfThisSandboxAlone) {
  for (const Entry& entry : entries_) EXPECT_TRUE(entry.source.starts_with(folder_.string())) << entry.place;
}

TEST_F(HostView, NamesAndModesAreTheHosts) {
  std::size_t links = 0;
  for (const auto& item : fs::directory_iterator(source_of("/etc") + "/alternatives")) {
    if (!item.is_symlink()) continue;
    const fs::path host = fs::path("/etc/alternatives") / item.path().filename();
    EXPECT_EQ(fs::read_symlink(item.path()), fs::read_symlink(host));
    ++links;
  }
  EXPECT_GT(links, 0U);
  EXPECT_EQ(read(source_of("/etc") + "/ld.so.cache"), read("/etc/ld.so.cache"));
  EXPECT_EQ(read(source_of("/sys") + "/devices/system/cpu/online"), read("/sys/devices/system/cpu/online"));
  for (const auto& item : fs::recursive_directory_iterator(folder_)) {
    if (item.is_symlink()) continue;
    const auto mode = static_cast<unsigned>(item.status().permissions());
    EXPECT_TRUE(item.is_directory() ? mode == 0755 : mode == 0444 || mode == 0555) << item.path();
  }
}

TEST_F(HostView, TwoSandboxesShareNoFile) {
  const fs::path other = folder_ / "other";
  fs::create_directory(other);
  const auto files = HostFiles::read();
  ASSERT_TRUE(files.ok());
  ASSERT_TRUE(files.value().lay_out_below(other).ok());
  EXPECT_FALSE(fs::equivalent(folder_ / "etc/ld.so.cache", other / "etc/ld.so.cache"));
  const fs::path boot = "proc/sys/kernel/random/boot_id";
  EXPECT_NE(read(folder_ / boot), read(other / boot));
}

}  // namespace
}  // namespace sluice::sandbox
