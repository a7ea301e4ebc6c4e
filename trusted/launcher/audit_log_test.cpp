#include "trusted/launcher/audit_log.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <sstream>
#include <vector>

#include "trusted/launcher/audit_testing.hpp"
#include "trusted/launcher/digest.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

class AuditLogTest : public testing::AuditFolderTest {
 protected:
  AuditLogTest() {
    policy::Subject subject;
    subject.name = "low";
    subject.label_text = "SECRET//IMG";
    plan_.policy.subjects.push_back(subject);
    plan_.policy.table.subjects.push_back({.name = "low", .label = "S", .first_rank = 0, .rank_count = 4});
    plan_.subjects.push_back({.mpi = HostMpi::mpich, .preload = {}, .command = {"./image"}, .limits = {}});
  }

  AuditFile opened() const {
    auto file = AuditFile::open(file_);
    EXPECT_TRUE(file);
    return file ? std::move(file).value() : AuditFile();
  }

  std::vector<std::string> lines() const {
    std::istringstream text(text_of(file_));
    std::vector<std::string> all;
    for (std::string line; std::getline(text, line);) all.push_back(line);
    return all;
  }

  Plan plan_;
};

guard::Event misbehaviour() { return guard::misbehaved(0, 3, guard::Misbehaviour::unknown_capability); }

TEST_F(AuditLogTest, AppendsOneLineForEachEvent) {
  for (int run = 0; run < 2; ++run) {
    AuditLog log(opened(), plan_);
    log.guard_event(misbehaviour());
    log.stopping();
  }
  ASSERT_EQ(lines().size(), 4U);
  const char* refused = "\"event\":\"refused\",\"subject\":\"low\",\"rank\":3,\"why\":\"used a capability";
  EXPECT_NE(lines()[0].find(refused), std::string::npos) << lines()[0];
}

TEST_F(AuditLogTest, LinesAreChained) {
  AuditFile file = opened();
  std::string chain = file.run();
  AuditLog log(std::move(file), plan_);
  for (int i = 0; i < 3; ++i) log.stopping();
  ASSERT_EQ(lines().size(), 3U);
  for (const std::string& line : lines()) {
    const std::size_t end = line.find(",\"chain\":\"");
    ASSERT_NE(end, std::string::npos);
    chain = sha256(chain + line.substr(0, end));
    EXPECT_EQ(line.substr(end), ",\"chain\":\"" + chain + "\"}");
  }
  EXPECT_NE(lines()[2].find("\"number\":3"), std::string::npos);
}

TEST_F(AuditLogTest, DenialsAreOneLineHoweverManyThereWere) {
  AuditLog log(opened(), plan_);
  const auto statistics = std::make_unique<guard::Statistics>();
  log.counters(*statistics);
  EXPECT_TRUE(lines().empty());
  statistics->subject[0].denied = 1'000'000;
  statistics->subject[0].denied_rank = 2;
  statistics->subject[0].turned_away = 7;
  log.counters(*statistics);
  log.counters(*statistics);
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_NE(lines()[0].find("\"event\":\"denied\",\"subject\":\"low\",\"times\":1000000,\"total\":1000000,"
                            "\"peer_rank\":2,\"told_by\":\"library\""),
            std::string::npos)
      << lines()[0];
  EXPECT_NE(lines()[1].find("\"event\":\"turned_away\",\"subject\":\"low\",\"times\":7"), std::string::npos);
  // What a hostile library makes of it.
  statistics->subject[0].denied = 5;
  statistics->subject[0].denied_rank = 4096;
  log.counters(*statistics);
  ASSERT_EQ(lines().size(), 3U);
  EXPECT_NE(lines()[2].find("\"times\":0,\"total\":5,\"peer_rank\":null"), std::string::npos) << lines()[2];
}

TEST_F(AuditLogTest, OverflowSaysWhatThePolicyMakesOfIt) {
  plan_.policy.subjects.push_back(plan_.policy.subjects[0]);
  plan_.policy.subjects[1].name = "high";
  plan_.policy.table.flows = {{.from = 0, .to = 1, .queue_bytes = 1, .policy_line = 9, .downgrade = ""}};
  plan_.policy.table.flows[0].when_full = table::WhenFull::drop;
  AuditLog log(opened(), plan_);
  const auto statistics = std::make_unique<guard::Statistics>();
  statistics->flow[0].overflow = 12;
  log.counters(*statistics);
  log.counters(*statistics);
  statistics->flow[0].overflow = 15;
  log.counters(*statistics);
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_NE(lines()[1].find("\"event\":\"overflow\",\"from\":\"low\",\"to\":\"high\",\"when_full\":\"drop\","
                            "\"messages\":3,\"total\":15,\"line\":9"),
            std::string::npos)
      << lines()[1];
}

TEST_F(AuditLogTest, WritesNothingWithoutAFile) {
  AuditLog log(AuditFile(), plan_);
  log.guard_event(misbehaviour());
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(AuditLogTest, ForgedSubjectIsNotLookedUp) {
  AuditLog log(opened(), plan_);
  guard::Event event = misbehaviour();
  event.subject = 99;
  log.guard_event(event);
  event.kind = guard::EventKind::queue_full;
  event.flow = 99;
  log.guard_event(event);
  EXPECT_EQ(text_of(file_), "");
}

}  // namespace
}  // namespace sluice::launcher
