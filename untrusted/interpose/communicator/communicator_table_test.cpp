#include "untrusted/interpose/communicator/communicator_table.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::interpose {

/// The table never looks into one.
struct VirtualComm {
  int unused = 0;
};

namespace {

TEST(CommunicatorTable, FindsWhatWasAddedAndNothingElse) {
  CommunicatorTable table;
  VirtualComm first;
  VirtualComm second;
  EXPECT_EQ(table.find(0x44000000), nullptr);
  table.add(0x44000000, first);
  table.add(0x7f0000000040, second);
  EXPECT_EQ(table.find(0x44000000), &first);
  EXPECT_EQ(table.find(0x7f0000000040), &second);
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(0x44000001), nullptr);
}

TEST(CommunicatorTable, MayHaveNeverMissesOneAndRulesMostOut) {
  static CommunicatorTable table;
  std::vector<VirtualComm> comms(100);
  EXPECT_FALSE(table.may_have(0x44000000));
  for (std::size_t i = 0; i < comms.size(); ++i) {
    table.add(0x84000000 + i, comms[i]);
    for (std::size_t known = 0; known <= i; ++known) ASSERT_TRUE(table.may_have(0x84000000 + known));
  }
  int possible = 0;
  for (std::uint64_t other = 0; other < 1000; ++other) possible += table.may_have(0x44000000 + other) ? 1 : 0;
  EXPECT_LT(possible, 700);  // half of the places are taken at most
}

TEST(CommunicatorTable, GrowsAndKeepsAll) {
  static CommunicatorTable table;  // a table that has grown is never destroyed
  std::vector<VirtualComm> comms(1000);
  for (std::size_t i = 0; i < comms.size(); ++i) table.add(0x84000000 + i, comms[i]);
  for (std::size_t i = 0; i < comms.size(); ++i) ASSERT_EQ(table.find(0x84000000 + i), &comms[i]);
  EXPECT_EQ(table.find(0x84000000 + comms.size()), nullptr);
}

TEST(CommunicatorTable, RemovedOnesAreGoneAndTheOthersStay) {
  CommunicatorTable table;
  std::vector<VirtualComm> comms(20);
  // All in one chain of probing.
  for (std::size_t i = 0; i < comms.size(); ++i) table.add((i + 1) << 40, comms[i]);
  for (std::size_t i = 0; i < comms.size(); i += 2) table.remove((i + 1) << 40);
  table.remove(std::uint64_t{99} << 40);
  for (std::size_t i = 0; i < comms.size(); ++i) {
    EXPECT_EQ(table.find((i + 1) << 40), i % 2 == 0 ? nullptr : &comms[i]);
  }
  table.add(std::uint64_t{1} << 40, comms[0]);
  EXPECT_EQ(table.find(std::uint64_t{1} << 40), &comms[0]);
}

TEST(CommunicatorTable, ManyThatComeAndGoNeedNoMoreRoom) {
  CommunicatorTable table;
  VirtualComm comm;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    table.add(0x1000 + i * 64, comm);
    ASSERT_EQ(table.find(0x1000 + i * 64), &comm);
    table.remove(0x1000 + i * 64);
    ASSERT_EQ(table.find(0x1000 + i * 64), nullptr);
  }
}

}  // namespace
}  // namespace sluice::interpose
