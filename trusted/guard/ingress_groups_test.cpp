#include "trusted/guard/ingress_groups.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sluice::guard {
namespace {

using Groups = std::vector<std::vector<std::uint32_t>>;
using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// Subjects of one rank each, with these labels and flows.
table::RunTable table_of(const std::vector<std::string>& labels, const Pairs& flows) {
  table::RunTable table;
  for (std::uint32_t i = 0; i < labels.size(); ++i) {
    table.subjects.push_back({.name = "s" + std::to_string(i), .label = labels[i], .first_rank = i, .rank_count = 1});
  }
  for (const auto& [from, to] : flows) table.flows.push_back({.from = from, .to = to, .downgrade = {}});
  return table;
}

constexpr unsigned kFewProcessors = 2;

TEST(IngressGroups, EqualSubjectsThatFlowBothWaysShare) {
  EXPECT_EQ(ingress_groups(table_of({"U", "U"}, {{0, 1}, {1, 0}}), kFewProcessors), (Groups{{0, 1}}));
}

TEST(IngressGroups, ManyProcessorsShareNothing) {
  EXPECT_EQ(ingress_groups(table_of({"U", "U"}, {{0, 1}, {1, 0}}), 4), (Groups{{0}, {1}}));
}

TEST(IngressGroups, OneWayFlowsNeverShare) {
  EXPECT_EQ(ingress_groups(table_of({"U", "U"}, {{0, 1}}), kFewProcessors), (Groups{{0}, {1}}));
  EXPECT_EQ(ingress_groups(table_of({"U", "S"}, {{0, 1}}), kFewProcessors), (Groups{{0}, {1}}));
}

TEST(IngressGroups, SubjectsWithoutFlowsNeverShare) {
  EXPECT_EQ(ingress_groups(table_of({"U", "U"}, {}), kFewProcessors), (Groups{{0}, {1}}));
}

TEST(IngressGroups, ADowngradeDoesNotMakeLevelsShare) {
  EXPECT_EQ(ingress_groups(table_of({"U", "S"}, {{0, 1}, {1, 0}}), kFewProcessors), (Groups{{0}, {1}}));
}

TEST(IngressGroups, AReceiverThatOnlyOneMayReachKeepsThemApart) {
  // 0 could otherwise slow what 1 sends to 2, to which it has no flow.
  EXPECT_EQ(ingress_groups(table_of({"U", "U", "S"}, {{0, 1}, {1, 0}, {1, 2}}), kFewProcessors),
            (Groups{{0}, {1}, {2}}));
  EXPECT_EQ(ingress_groups(table_of({"U", "U", "S"}, {{0, 1}, {1, 0}, {0, 2}, {1, 2}}), kFewProcessors),
            (Groups{{0, 1}, {2}}));
}

}  // namespace
}  // namespace sluice::guard
