#include "covert/statistics/channel.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice::covert {
namespace {

double entropy(double p) { return p <= 0 || p >= 1 ? 0 : -p * std::log2(p) - (1 - p) * std::log2(1 - p); }

Counts table(std::initializer_list<std::initializer_list<std::uint64_t>> rows) {
  Counts counts(rows.size(), rows.begin()->size());
  std::size_t x = 0;
  for (const auto& row : rows) {
    std::size_t y = 0;
    for (const std::uint64_t cell : row) counts.add(x, y++, cell);
    ++x;
  }
  return counts;
}

TEST(Capacity, OfANoiselessBinaryChannelIsOneBit) { EXPECT_NEAR(capacity(table({{500, 0}, {0, 300}})), 1, 1e-6); }

TEST(Capacity, OfFourNoiselessSymbolsIsTwoBits) {
  EXPECT_NEAR(capacity(table({{10, 0, 0, 0}, {0, 20, 0, 0}, {0, 0, 30, 0}, {0, 0, 0, 40}})), 2, 1e-6);
}

TEST(Capacity, OfABinarySymmetricChannel) {
  EXPECT_NEAR(capacity(table({{890, 110}, {110, 890}})), 1 - entropy(0.11), 1e-6);
}

TEST(Capacity, OfAnErasureChannel) { EXPECT_NEAR(capacity(table({{700, 300, 0}, {0, 300, 700}})), 0.7, 1e-6); }

TEST(Capacity, OfAZChannel) {
  // log2(1 + (1 - p) p^(p / (1 - p))) for p = 1/2; its best input is not the fair one.
  EXPECT_NEAR(capacity(table({{1000, 0}, {500, 500}})), std::log2(1.25), 1e-6);
}

TEST(Capacity, OfAUselessChannelIsZero) {
  EXPECT_NEAR(capacity(table({{100, 200, 300}, {200, 400, 600}})), 0, 1e-6);
  EXPECT_EQ(capacity(table({{5, 5}})), 0) << "one input tells nothing";
  EXPECT_EQ(capacity(table({{5, 5}, {0, 0}})), 0) << "an input that was never used";
  EXPECT_EQ(capacity(Counts(2, 2)), 0);
}

TEST(MutualInformation, IsThatOfTheObservedInputs) {
  EXPECT_NEAR(mutual_information(table({{500, 0}, {0, 500}})), 1, 1e-9);
  EXPECT_NEAR(mutual_information(table({{900, 0}, {0, 100}})), entropy(0.1), 1e-9);
  EXPECT_NEAR(mutual_information(table({{10, 30}, {20, 60}})), 0, 1e-9);
}

}  // namespace
}  // namespace sluice::covert
