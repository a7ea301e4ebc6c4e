#include "trusted/policy/reach.hpp"

#include "trusted/policy/policy_testing.hpp"
#include "trusted/policy/report.hpp"

namespace sluice::policy {
namespace {

using testing::kFile;
using testing::kGood;
using testing::with_line;

enum : std::uint32_t { kSensor, kAnalyst, kReport, kMelt };

Policy parsed(std::string_view text) { return parse(text, kFile, CheckFiles::no).value(); }

TEST(Reach, ADowngradeServesThoseBehindIt) {
  // sensor -> analyst -> report -> sensor, the last by downgrade.
  const Policy policy = parsed(kGood);
  EXPECT_EQ(detours(policy), (std::vector<Detour>{{kAnalyst, kReport, kSensor}, {kReport, kSensor, kAnalyst}}));
  EXPECT_EQ(downgrades_on(policy, {kAnalyst, kReport, kSensor}), std::vector<std::string>{"release"});
  EXPECT_EQ(circles(policy), (std::vector<Circle>{{kSensor, kAnalyst, kReport}}));
  EXPECT_EQ(downgrades_in(policy, {kSensor, kAnalyst, kReport}), std::vector<std::string>{"release"});
}

TEST(Reach, WithoutADowngradeThereIsNothing) {
  const Policy policy = parsed(with_line(20, ""));
  EXPECT_TRUE(detours(policy).empty());
  EXPECT_TRUE(circles(policy).empty());
}

TEST(Reach, SubjectsOfOneLabelMayGoRound) {
  std::string text = with_line(20, "  - { from: report, to: other }\n  - { from: other, to: report }");
  text.replace(text.find("flows:"), 0, "  other: { label: HIGH//NUC/IMG, ranks: 1, run: [./other] }\n");
  const Policy policy = parsed(text);
  EXPECT_TRUE(detours(policy).empty());
  EXPECT_TRUE(circles(policy).empty());
}

TEST(Reach, DowngradesJoin) {
  // Each step is named; the way of both is not.
  const Policy policy = parsed(with_line(20,
                                         "  - { from: report, to: analyst, downgrade: first }\n"
                                         "  - { from: analyst, to: sensor, downgrade: second }"));
  EXPECT_EQ(detours(policy), (std::vector<Detour>{{kReport, kAnalyst, kSensor}}));
  EXPECT_EQ(downgrades_on(policy, {kReport, kAnalyst, kSensor}), (std::vector<std::string>{"first", "second"}));
}

TEST(Reach, TheSummarySaysSo) {
  const std::string text = summary(parsed(kGood), Colour::no);
  EXPECT_NE(text.find("against the lattice, by way of others: analyst (MID//IMG) -> report -> sensor (LOW), "
                      "DOWNGRADE 'release'"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("in effect of one label: sensor, analyst, report, as data goes round by DOWNGRADE 'release'"),
            std::string::npos)
      << text;
  const std::string lawful = summary(parsed(with_line(20, "")), Colour::no);
  EXPECT_EQ(lawful.find("by way of others"), std::string::npos) << lawful;
  EXPECT_EQ(lawful.find("one label"), std::string::npos) << lawful;
}

TEST(Reach, JsonHasBoth) {
  const std::string json = show_json(parsed(kGood));
  EXPECT_NE(json.find("\"detours\":[{\"way\":[\"analyst\",\"report\",\"sensor\"],\"downgrades\":[\"release\"]}"),
            std::string::npos)
      << json;
  EXPECT_NE(json.find("\"circles\":[{\"subjects\":[\"sensor\",\"analyst\",\"report\"],\"downgrades\":[\"release\"]}]"),
            std::string::npos)
      << json;
}

}  // namespace
}  // namespace sluice::policy
