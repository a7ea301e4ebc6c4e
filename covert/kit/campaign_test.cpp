#include "covert/kit/campaign.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "covert/kit/report.hpp"

namespace sluice::covert {
namespace {

Outcome measured(double rate) {
  Outcome outcome;
  outcome.state = Outcome::State::measured;
  outcome.estimate.found = rate > 0;
  outcome.estimate.rate = rate;
  outcome.estimate.low = rate / 2;
  outcome.estimate.high = rate > 0 ? rate * 2 : 0.5;
  outcome.estimate.picture = {{1, 2}, {3, 4}};
  return outcome;
}

Outcome refused(const std::string& why) { return {Outcome::State::refused, why, {}}; }
Outcome failed() { return {Outcome::State::failed, "a role did not start", {}}; }

Row row(const Outcome& control, const Outcome& flow, const Outcome& apart) {
  Row made{find_means("keyring"), {control, flow, apart}, Verdict::failed};
  made.verdict = judge(made);
  return made;
}

TEST(Judge, AControlThatIsNotCaughtCountsForNothing) {
  EXPECT_EQ(row(measured(0), measured(0), measured(0)).verdict, Verdict::control_failed);
  EXPECT_EQ(row(measured(0), refused("EPERM"), refused("EPERM")).verdict, Verdict::control_failed);
}

TEST(Judge, WhatTheKernelLacksIsNotPassed) {
  const Row one = row(refused("ENOSYS (call)"), refused("EPERM"), refused("EPERM"));
  EXPECT_EQ(one.verdict, Verdict::not_to_be_tried);
  EXPECT_EQ(describe(one), "cannot be tried here: ENOSYS (call)");
}

TEST(Judge, SilenceInBothSettings) {
  EXPECT_EQ(row(measured(100), measured(0), measured(0)).verdict, Verdict::none_found);
  EXPECT_EQ(row(measured(100), refused("EPERM (call)"), refused("EPERM (call)")).verdict, Verdict::closed);
  EXPECT_EQ(row(measured(100), measured(0), failed()).verdict, Verdict::failed);
}

TEST(Judge, TheLargerRateCounts) {
  const Row one = row(measured(500), measured(0), measured(120));
  EXPECT_EQ(one.verdict, Verdict::found);
  EXPECT_EQ(one.rate(), 120);
  EXPECT_EQ(describe(one), "high: 120 bit/s");
}

TEST(Report, SaysWhetherControlsAndLimitHold) {
  Report report;
  report.rows = {row(measured(100), measured(0), measured(0)), row(measured(100), measured(0.5), measured(0))};
  EXPECT_TRUE(report.controls_caught());
  EXPECT_TRUE(report.within_limit());
  EXPECT_TRUE(report.complete());
  report.limit = 0.1;
  EXPECT_FALSE(report.within_limit());
  report.rows.push_back(row(measured(0), measured(0), measured(0)));
  EXPECT_FALSE(report.controls_caught());
  report.rows.push_back(row(failed(), measured(0), measured(0)));
  EXPECT_FALSE(report.complete());
}

TEST(Report, TheThreeFormsSayTheSame) {
  Report report;
  report.rows = {row(measured(400), measured(12.5), measured(0))};
  EXPECT_NE(as_table(report).find("audit: 12.5 bit/s"), std::string::npos);
  EXPECT_NE(as_json(report).find("\"rate\":12.5,\"text\":\"audit: 12.5 bit/s\""), std::string::npos);
  EXPECT_NE(as_html(report).find("audit: 12.5 bit/s"), std::string::npos);
  EXPECT_EQ(as_html(report).find("http"), std::string::npos) << "a page that loads nothing";
}

TEST(Means, HaveNamesOfTheirOwnAndAClassWithATitle) {
  for (const Means& means : all_means()) {
    EXPECT_EQ(find_means(means.name), &means);
    EXPECT_STRNE(title_of_class(means.number), "") << means.name;
    EXPECT_GE(means.slot, std::chrono::milliseconds(1)) << means.name;
  }
}

TEST(Schedule, ItemsAreReadAsTheyAreWritten) {
  const Item item{find_means("keyring"), 500, std::chrono::microseconds(2500)};
  const auto read = parse_item(text_of(item));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->means, item.means);
  EXPECT_EQ(read->symbols, item.symbols);
  EXPECT_EQ(read->slot, item.slot);
  for (const char* bad : {"", "keyring", "keyring:5", "none:5:5", "keyring:x:5", "keyring:5:5x", "keyring:5:0"}) {
    EXPECT_FALSE(parse_item(bad).has_value()) << bad;
  }
}

TEST(Schedule, SecretsAreFairAndDifferByItemAndSeed) {
  const Item item{find_means("keyring"), 4000, std::chrono::microseconds(2000)};
  const Item other{find_means("posix_memory"), 4000, std::chrono::microseconds(2000)};
  const auto bits = secret_bits(1, item);
  EXPECT_EQ(bits, secret_bits(1, item));
  EXPECT_NE(bits, secret_bits(2, item));
  EXPECT_NE(bits, secret_bits(1, other));
  EXPECT_NEAR(static_cast<double>(std::count(bits.begin(), bits.end(), true)), 2000, 200);
}

}  // namespace
}  // namespace sluice::covert
