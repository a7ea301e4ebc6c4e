#include "untrusted/interpose/privilege_view.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "wire/greeting.hpp"

namespace sluice::interpose {
namespace {

constexpr char kLattice[] = "LOW/HIGH//A";

/// Two subjects in the world, of 2 and 1 ranks, and one outside; the first may send to the second, whose table it is.
std::vector<std::byte> example() {
  std::vector<std::byte> bytes;
  const auto append = [&](const auto& entry) {
    const auto* first = reinterpret_cast<const std::byte*>(&entry);
    bytes.insert(bytes.end(), first, first + sizeof entry);
  };
  append(wire::PrivilegeTable{wire::kTableMagic, wire::kProtocolVersion, 0, 1, 3, 3, 1, sizeof kLattice});
  std::uint32_t next = 0;
  for (const auto& [name, ranks] : {std::pair{"low", 2U}, std::pair{"high", 1U}, std::pair{"alone", 2U}}) {
    wire::SubjectEntry subject{};
    std::strncpy(subject.name, name, sizeof subject.name - 1);
    subject.first_rank = next;
    subject.rank_count = ranks;
    next += ranks;
    append(subject);
  }
  for (int i = 0; i < 6; ++i) append(wire::DecisionEntry{});
  for (int i = 0; i < 3; ++i) append(wire::kNoCapability);
  append(wire::InflowEntry{0, 16});
  for (const int allowed : {1, 1, 0, 0, 1, 0, 0, 0, 1}) append(static_cast<std::uint8_t>(allowed));
  append(kLattice);
  const auto total = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data() + offsetof(wire::PrivilegeTable, total_bytes), &total, sizeof total);
  return bytes;
}

TEST(PrivilegeView, ReadsATable) {
  const std::vector<std::byte> bytes = example();
  PrivilegeView view;
  ASSERT_EQ(view.read(bytes), nullptr);
  EXPECT_EQ(view.self(), 1U);
  EXPECT_STREQ(view.subject(1).name, "high");
  EXPECT_EQ(view.world_size(), 3U);
  EXPECT_EQ(view.world_subjects(), 2U);
  EXPECT_FALSE(view.in_world(2));
  EXPECT_EQ(view.subject_of(1), 0U);
  EXPECT_EQ(view.subject_of(2), 1U);
  EXPECT_EQ(view.inflow(0).segment_count, 16U);
  EXPECT_TRUE(view.allowed(0, 1));
  EXPECT_FALSE(view.allowed(1, 0));
  EXPECT_EQ(view.lattice(), "LOW/HIGH//A");
}

TEST(PrivilegeView, NamesWhatIsWrong) {
  std::vector<std::byte> bytes = example();
  PrivilegeView view;
  EXPECT_STREQ(view.read({bytes.data(), 10}), "the privilege table is cut short");
  EXPECT_STREQ(view.read({bytes.data(), bytes.size() - 1}), "the privilege table is cut short");
  bytes[offsetof(wire::PrivilegeTable, version)] ^= std::byte{1};
  EXPECT_STREQ(view.read(bytes), "the privilege table is of another version");
  bytes[0] ^= std::byte{1};
  EXPECT_STREQ(view.read(bytes), "the privilege table is not one");
}

}  // namespace
}  // namespace sluice::interpose
