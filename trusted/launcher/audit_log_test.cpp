#include "trusted/launcher/audit_log.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

class AuditLogTest : public ::testing::Test {
 protected:
  AuditLogTest() {
    std::string name = (fs::temp_directory_path() / "sluice-audit-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "run.log";
    policy::Subject subject;
    subject.name = "low";
    subject.label_text = "SECRET//IMG";
    plan_.policy.subjects.push_back(subject);
    plan_.subjects.push_back({.mpi = HostMpi::mpich, .preload = {}, .command = {"./image"}});
  }
  ~AuditLogTest() override { fs::remove_all(folder_); }

  static std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  fs::path folder_;
  fs::path file_;
  Plan plan_;
};

guard::Event misbehaviour() { return guard::misbehaved(0, 3, guard::Misbehaviour::unknown_capability); }

TEST_F(AuditLogTest, AppendsOneLineForEachEvent) {
  for (int run = 0; run < 2; ++run) {
    auto opened = open_audit_file(file_);
    ASSERT_TRUE(opened);
    AuditLog log(std::move(opened).value(), plan_);
    log.guard_event(misbehaviour());
    log.stopping();
  }
  const std::string text = text_of(file_);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_NE(text.find("\"event\":\"refused\",\"subject\":\"low\",\"rank\":3,\"why\":\"used a capability"),
            std::string::npos)
      << text;
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(AuditLogTest, WritesNothingWithoutAFile) {
  AuditLog log(Fd(), plan_);
  log.guard_event(misbehaviour());
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(AuditLogTest, ForgedSubjectIsNotLookedUp) {
  auto opened = open_audit_file(file_);
  ASSERT_TRUE(opened);
  AuditLog log(std::move(opened).value(), plan_);
  guard::Event event = misbehaviour();
  event.subject = 99;
  log.guard_event(event);
  event.kind = guard::EventKind::queue_full;
  event.flow = 99;
  log.guard_event(event);
  EXPECT_EQ(text_of(file_), "");
}

TEST_F(AuditLogTest, FullFileMakesRoomAndNineAreKept) {
  for (int file = 0; file < 12; ++file) {
    { std::ofstream(file_) << file; }
    fs::resize_file(file_, 16U << 20);
    ASSERT_TRUE(open_audit_file(file_));
    EXPECT_EQ(fs::file_size(file_), 0U);
  }
  EXPECT_EQ(text_of(folder_ / "run.log.1").substr(0, 2), "11");
  EXPECT_TRUE(fs::exists(folder_ / "run.log.9"));
  EXPECT_FALSE(fs::exists(folder_ / "run.log.10"));
}

TEST_F(AuditLogTest, LinkIsNotFollowedAndAPipeIsNoFile) {
  fs::create_symlink("/dev/null", file_);
  EXPECT_FALSE(open_audit_file(file_));
  fs::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  EXPECT_FALSE(open_audit_file(file_));
}

}  // namespace
}  // namespace sluice::launcher
