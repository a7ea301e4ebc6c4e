#include "trusted/table/table.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "trusted/table/example_table.hpp"
#include "wire/greeting.hpp"
#include "wire/privilege_table.hpp"

namespace sluice::table {
namespace {

TEST(Table, CountsRanksOfTheRunAndOfTheWorld) {
  EXPECT_EQ(example_table().rank_count(), 10U);
  EXPECT_EQ(example_table().world_size(), 6U);
}

TEST(Table, ListsCapabilitiesFlowByFlowAndRankByRank) {
  const RunTable table = example_table();
  const auto list = capabilities(table, 0);
  ASSERT_EQ(list.size(), 4U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(list[i].flow, 0U);
    EXPECT_EQ(list[i].receiver, i);
  }
  EXPECT_EQ(list[3].flow, 1U);
  EXPECT_EQ(list[3].receiver, 0U);
  EXPECT_TRUE(capabilities(table, 1).empty());
  EXPECT_TRUE(capabilities(table, 2).empty());
}

TEST(Table, ListsInflowsInTableOrder) {
  const RunTable table = example_table();
  EXPECT_EQ(inflows(table, 0), (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(inflows(table, 2), (std::vector<std::uint32_t>{0}));
  EXPECT_TRUE(inflows(table, 1).empty());
}

TEST(Table, GivesAFlowItsQuotaInSegmentsAndTwoForEachReceivingRankAtLeast) {
  RunTable table = example_table();
  EXPECT_EQ(segment_count(table, table.flows[0]), (std::uint32_t{4} << 20) / wire::kSegmentBytes);
  table.subjects[2].rank_count = 100;
  EXPECT_EQ(segment_count(table, table.flows[0]), 200U);
  table.flows[0].queue_bytes = (std::uint64_t{64} << 20) + 1;
  EXPECT_EQ(segment_count(table, table.flows[0]), (std::uint32_t{64} << 20) / wire::kSegmentBytes + 1);
}

/// Two subjects of one label with a shared path to one and a relay back.
RunTable shared_example() {
  RunTable table;
  table.subjects = {{"left", "LOW", 0, 2, true}, {"right", "LOW", 2, 2, true}};
  constexpr std::uint64_t kQueue = std::uint64_t{4} << 20;
  table.flows = {{.from = 0, .to = 1, .queue_bytes = kQueue, .path = Path::shared, .policy_line = 21, .downgrade = ""},
                 {.from = 1, .to = 0, .queue_bytes = kQueue, .path = Path::relay, .policy_line = 22, .downgrade = ""}};
  table.decisions.assign(4, {true, 21, "listed", ""});
  return table;
}

TEST(Table, SharedPathsAreForOneLabelAndBothWays) {
  const RunTable table = shared_example();
  ASSERT_TRUE(check(table).ok());
  EXPECT_EQ(shared_flow(table, 0, 1), &table.flows[0]);
  EXPECT_EQ(shared_flow(table, 1, 0), nullptr);
  const auto decoded = decode(encode(table));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded.value().flows[0].path, Path::shared);
  EXPECT_EQ(decoded.value().flows[1].path, Path::relay);
}

struct Breakage {
  const char* name;
  TableError error;
  std::function<void(RunTable&)> apply;
};

class TableCheck : public testing::TestWithParam<Breakage> {};

TEST_P(TableCheck, RefusesABrokenTable) {
  RunTable table = example_table();
  ASSERT_TRUE(check(table).ok()) << "the table must be sound before it is broken";
  GetParam().apply(table);
  const auto checked = check(table);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error(), GetParam().error);
  EXPECT_FALSE(decode(encode(table)).ok()) << "decode checks too";
}

const Breakage kBreakages[] = {
    {"SharedOfTwoLabels", TableError::inconsistent, [](RunTable& t) { t.flows[1].path = Path::shared; }},
    {"SharedOneWay", TableError::inconsistent,
     [](RunTable& t) {
       t.subjects[2].label = t.subjects[0].label;
       t.flows[0].path = Path::shared;
     }},
    {"SharedByTooMany", TableError::inconsistent,
     [](RunTable& t) {
       t = shared_example();
       t.subjects[0].rank_count = 65;
       t.subjects[1].first_rank = 65;
       t.subjects[1].rank_count = 64;
     }},
    {"NoSubjects", TableError::over_limit, [](RunTable& t) { t = {}; }},
    {"NoRanks", TableError::over_limit, [](RunTable& t) { t.subjects[0].rank_count = 0; }},
    {"TooManyRanks", TableError::over_limit, [](RunTable& t) { t.subjects[1].rank_count = wire::kMaxRanks - 5; }},
    {"RankSumWraps", TableError::over_limit, [](RunTable& t) { t.subjects[1].rank_count = 0xfffffffe; }},
    {"EmptyName", TableError::over_limit, [](RunTable& t) { t.subjects[0].name.clear(); }},
    {"LongLabel", TableError::over_limit, [](RunTable& t) { t.subjects[0].label.assign(wire::kLabelBytes, 'x'); }},
    {"NulInName", TableError::over_limit, [](RunTable& t) { t.subjects[0].name = std::string("a\0b", 3); }},
    {"QueueTooSmall", TableError::over_limit, [](RunTable& t) { t.flows[0].queue_bytes = wire::kMinQueueBytes - 1; }},
    {"QueueTooLarge", TableError::over_limit, [](RunTable& t) { t.flows[0].queue_bytes = wire::kMaxQueueBytes + 1; }},
    {"LongReason", TableError::over_limit, [](RunTable& t) { t.decisions[3].reason.assign(wire::kReasonBytes, 'x'); }},
    {"SameNames", TableError::inconsistent, [](RunTable& t) { t.subjects[3].name = "low"; }},
    {"RanksOverlap", TableError::inconsistent, [](RunTable& t) { t.subjects[2].first_rank = 1; }},
    {"ApartInsideTheWorld", TableError::inconsistent, [](RunTable& t) { t.subjects[1].first_rank = 2; }},
    {"FlowFromNowhere", TableError::inconsistent, [](RunTable& t) { t.flows[0].from = 4; }},
    {"FlowToItself", TableError::inconsistent, [](RunTable& t) { t.flows[0].to = 0; }},
    {"FlowIntoAnotherWorld", TableError::inconsistent, [](RunTable& t) { t.flows[0].to = 1; }},
    {"FlowTwice", TableError::inconsistent, [](RunTable& t) { t.flows.push_back(t.flows[0]); }},
    {"FlowNotAllowed", TableError::inconsistent, [](RunTable& t) { t.decisions[2].allowed = false; }},
    {"AllowedWithoutFlow", TableError::inconsistent, [](RunTable& t) { t.decisions[13].allowed = true; }},
    {"NotAllowedToItself", TableError::inconsistent, [](RunTable& t) { t.decisions[0].allowed = false; }},
};
INSTANTIATE_TEST_SUITE_P(Each, TableCheck, testing::ValuesIn(kBreakages),
                         [](const auto& instance) { return instance.param.name; });

template <typename Entry>
Entry take(std::span<const std::byte>& bytes) {
  Entry entry{};
  EXPECT_GE(bytes.size(), sizeof entry);
  std::memcpy(&entry, bytes.data(), sizeof entry);
  bytes = bytes.subspan(sizeof entry);
  return entry;
}

TEST(PrivilegeTable, LaysOutWhatTheWireHeaderSays) {
  const RunTable table = example_table();
  const auto bytes = privilege_table(table, 0);
  std::span<const std::byte> rest(bytes);
  const auto header = take<wire::PrivilegeTable>(rest);
  EXPECT_EQ(header.magic, wire::kTableMagic);
  EXPECT_EQ(header.version, wire::kProtocolVersion);
  EXPECT_EQ(header.total_bytes, bytes.size());
  EXPECT_EQ(header.self, 0U);
  EXPECT_EQ(header.subject_count, 4U);
  EXPECT_EQ(header.rank_count, 6U);
  EXPECT_EQ(header.inflow_count, 1U);

  for (const Subject& subject : table.subjects) {
    const auto entry = take<wire::SubjectEntry>(rest);
    EXPECT_EQ(entry.name, subject.name);
    EXPECT_EQ(entry.label, subject.label);
    EXPECT_EQ(entry.first_rank, subject.first_rank);
    EXPECT_EQ(entry.rank_count, subject.rank_count);
  }
  for (std::uint32_t to = 0; to < 4; ++to) {
    const auto entry = take<wire::DecisionEntry>(rest);
    EXPECT_EQ(entry.allowed == 1, table.decision(0, to).allowed);
    EXPECT_EQ(entry.policy_line, table.decision(0, to).policy_line);
    EXPECT_EQ(entry.reason, table.decision(0, to).reason);
    EXPECT_EQ(entry.hint, table.decision(0, to).hint);
  }
  for (std::uint32_t from = 0; from < 4; ++from) {
    EXPECT_EQ(take<wire::DecisionEntry>(rest).allowed == 1, table.decision(from, 0).allowed);
  }
  const std::uint32_t none = wire::kNoCapability;
  for (const std::uint32_t expected : {none, none, 0U, 1U, 2U, 3U}) EXPECT_EQ(take<std::uint32_t>(rest), expected);
  const auto inflow = take<wire::InflowEntry>(rest);
  EXPECT_EQ(inflow.source_subject, 3U);
  EXPECT_EQ(inflow.segment_count, (std::uint32_t{1} << 20) / wire::kSegmentBytes);
  for (const Decision& decision : table.decisions) EXPECT_EQ(take<std::uint8_t>(rest) == 1, decision.allowed);
  EXPECT_EQ(header.lattice_bytes, table.lattice.size() + 1);
  for (const char letter : table.lattice) EXPECT_EQ(take<char>(rest), letter);
  EXPECT_EQ(take<char>(rest), '\0');
  EXPECT_TRUE(rest.empty());
}

TEST(PrivilegeTable, GivesASubjectApartNoCapability) {
  const auto bytes = privilege_table(example_table(), 1);
  std::span<const std::byte> rest(bytes);
  const auto header = take<wire::PrivilegeTable>(rest);
  rest = rest.subspan(4 * sizeof(wire::SubjectEntry) + 8 * sizeof(wire::DecisionEntry));
  for (std::uint32_t rank = 0; rank < header.rank_count; ++rank) {
    EXPECT_EQ(take<std::uint32_t>(rest), wire::kNoCapability);
  }
}

}  // namespace
}  // namespace sluice::table
