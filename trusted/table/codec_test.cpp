#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "trusted/table/example_table.hpp"
#include "trusted/table/table.hpp"
#include "wire/limits.hpp"

namespace sluice::table {
namespace {

void put(std::vector<std::byte>& bytes, std::size_t at, std::uint32_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

TEST(Codec, RoundTrips) {
  const RunTable table = example_table();
  const auto bytes = encode(table);
  const auto decoded = decode(bytes);
  ASSERT_TRUE(decoded.ok());
  const RunTable& back = decoded.value();
  ASSERT_EQ(back.subjects.size(), table.subjects.size());
  EXPECT_EQ(back.subjects[3].label, "HIGH//A/B");
  EXPECT_FALSE(back.subjects[1].in_world);
  ASSERT_EQ(back.flows.size(), 3U);
  EXPECT_EQ(back.flows[2].downgrade, "release");
  EXPECT_EQ(back.flows[0].queue_bytes, std::uint64_t{4} << 20);
  EXPECT_EQ(back.decision(0, 2).policy_line, 21U);
  EXPECT_EQ(back.lattice, "LOW/MID/HIGH//A/B");
  EXPECT_EQ(encode(back), bytes);
}

TEST(Codec, RefusesEveryTruncation) {
  const auto bytes = encode(example_table());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode(std::span(bytes).first(size)).ok()) << "cut to " << size << " bytes";
  }
}

TEST(Codec, RefusesTrailingBytes) {
  auto bytes = encode(example_table());
  bytes.push_back(std::byte{0});
  EXPECT_EQ(decode(bytes).error(), TableError::malformed);
}

TEST(Codec, RefusesOtherBuildsAndOtherFiles) {
  auto bytes = encode(example_table());
  put(bytes, 4, 99);
  EXPECT_EQ(decode(bytes).error(), TableError::wrong_version);
  put(bytes, 0, 0x464c457f);
  EXPECT_EQ(decode(bytes).error(), TableError::malformed);
}

TEST(Codec, RefusesHugeCountsWithoutReadingOn) {
  for (const std::size_t at : {std::size_t{8}, std::size_t{12}, std::size_t{16}}) {
    auto bytes = encode(example_table());
    put(bytes, at, 0xffffffff);
    EXPECT_EQ(decode(bytes).error(), TableError::over_limit) << "count at byte " << at;
  }
}

TEST(Codec, EveryBitFlipIsRefusedOrStillASoundTable) {
  const auto bytes = encode(example_table());
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    const auto decoded = decode(flipped);
    if (!decoded.ok()) {
      ++refused;
      continue;
    }
    EXPECT_TRUE(check(decoded.value()).ok());
    EXPECT_EQ(encode(decoded.value()), flipped) << "nothing may be read and forgotten, bit " << bit;
  }
  EXPECT_GT(refused, bytes.size()) << "most flips of counts and indexes must be caught";
}

TEST(Codec, RandomBytesNeverDecodeOrCrash) {
  std::mt19937 random(3);
  const auto good = encode(example_table());
  for (int round = 0; round < 2000; ++round) {
    auto bytes = good;
    const std::size_t from = 8 + random() % (bytes.size() - 8);
    for (std::size_t i = from; i < std::min(bytes.size(), from + 16); ++i) bytes[i] = std::byte(random() & 0xff);
    bytes.resize(bytes.size() - random() % 4);
    const auto decoded = decode(bytes);
    if (decoded.ok()) {
      EXPECT_TRUE(check(decoded.value()).ok());
    }
  }
}

}  // namespace
}  // namespace sluice::table
