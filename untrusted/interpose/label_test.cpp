#include "untrusted/interpose/label.hpp"

#include <gtest/gtest.h>

namespace sluice::interpose {
namespace {

const Levels kLevels("LOW/MIDDLE/HIGH//A/B/C");

bool over(const char* high, const char* low) { return dominates(*kLevels.parse(high), *kLevels.parse(low)); }

TEST(Label, DominatesByLevelAndCompartments) {
  EXPECT_TRUE(over("LOW", "LOW"));
  EXPECT_TRUE(over("HIGH", "LOW"));
  EXPECT_FALSE(over("LOW", "HIGH"));
  EXPECT_TRUE(over("HIGH//A/B", "MIDDLE//B"));
  EXPECT_FALSE(over("HIGH//A", "LOW//B"));
  EXPECT_FALSE(over("HIGH", "LOW//A"));
  EXPECT_TRUE(over("LOW//C/A", "LOW//A/C"));
}

TEST(Label, OtherNamesAreNoLabels) {
  for (const char* text : {"", "low", "LOW/A", "LOW//D", "LOW//A/", "LOW//A//B", "//A", "LOW ", "LOW//a"}) {
    EXPECT_FALSE(kLevels.parse(text).has_value()) << text;
  }
}

TEST(Label, ALatticeWithoutCompartments) {
  const Levels levels("ONE/TWO//");
  EXPECT_TRUE(dominates(*levels.parse("TWO"), *levels.parse("ONE")));
  EXPECT_FALSE(levels.parse("TWO//A").has_value());
  EXPECT_FALSE(Levels("").parse("").has_value());
}

}  // namespace
}  // namespace sluice::interpose
