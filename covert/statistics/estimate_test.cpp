#include "covert/statistics/estimate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace sluice::covert {
namespace {

double entropy(double p) { return -p * std::log2(p) - (1 - p) * std::log2(1 - p); }

/// Fair bits, and what `observe` makes of each.
struct Channel {
  Channel(std::size_t symbols, std::uint64_t seed, const std::function<double(bool, std::size_t)>& observe)
      : random(seed) {
    observations.columns = 1;
    for (std::size_t i = 0; i < symbols; ++i) {
      bits.push_back((random() >> 20 & 1) != 0);
      observations.values.push_back(observe(bits.back(), i));
    }
  }
  std::mt19937_64 random;
  std::vector<bool> bits;
  Observations observations;
};

/// A generator of its own, which `observe` functions use.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : random_(seed) {}
  bool chance(double p) { return std::bernoulli_distribution(p)(random_); }
  double normal() { return normal_(random_); }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
};

TEST(Estimate, ANoiselessChannelHasItsSymbolRate) {
  const Channel channel(512, 1, [](bool bit, std::size_t) { return bit ? 3.0 : 2.0; });
  const Estimate found = estimate(channel.bits, channel.observations, 0.005);
  EXPECT_TRUE(found.found);
  EXPECT_NEAR(found.rate, 200, 4);
  EXPECT_LE(found.low, found.rate);
  EXPECT_GE(found.high, found.rate);
}

TEST(Estimate, ABinarySymmetricChannel) {
  Noise noise(2);
  const Channel channel(4000, 2, [&](bool bit, std::size_t) { return bit != noise.chance(0.11) ? 1.0 : 0.0; });
  const Estimate found = estimate(channel.bits, channel.observations, 1);
  EXPECT_TRUE(found.found);
  EXPECT_NEAR(found.rate, 1 - entropy(0.11), 0.04);
}

TEST(Estimate, AnErasureChannelKeepsItsErasures) {
  Noise noise(3);
  const Channel channel(4000, 3, [&](bool bit, std::size_t) { return noise.chance(0.3) ? 0.5 : bit ? 1.0 : 0.0; });
  const Estimate found = estimate(channel.bits, channel.observations, 1);
  EXPECT_NEAR(found.rate, 0.7, 0.04);
}

TEST(Estimate, TimesThatShiftAndDrift) {
  Noise noise(4);
  // A drift that hides a difference of 1 in values of up to 1000 unless changes are looked at, too.
  const Channel channel(4000, 4, [&](bool bit, std::size_t i) {
    return static_cast<double>(i) * 0.25 + (bit ? 4.0 : 0.0) + noise.normal() * 0.5;
  });
  const Estimate found = estimate(channel.bits, channel.observations, 1);
  EXPECT_TRUE(found.found);
  EXPECT_GT(found.rate, 0.3);
}

TEST(Estimate, ASymbolThatShowsOneSlotLate) {
  std::vector<bool> sent;
  const Channel channel(600, 5, [&](bool bit, std::size_t i) {
    sent.push_back(bit);
    return i == 0 ? 0.0 : sent[i - 1] ? 1.0 : 0.0;
  });
  EXPECT_GT(estimate(channel.bits, channel.observations, 1).rate, 0.95);
}

TEST(Estimate, OneTellingColumnAmongManyUselessOnes) {
  Noise noise(6);
  Observations observations;
  observations.columns = 60;
  std::mt19937_64 random(6);
  std::vector<bool> bits;
  for (int i = 0; i < 400; ++i) {
    bits.push_back((random() & 1) != 0);
    for (int c = 0; c < 60; ++c)
      observations.values.push_back(c == 33 && bits.back() ? 9 + noise.normal() : noise.normal());
  }
  EXPECT_GT(estimate(bits, observations, 1).rate, 0.8);
}

TEST(Estimate, AUselessChannelIsCalledZero) {
  int called_channels = 0;
  for (std::uint64_t run = 0; run < 100; ++run) {
    Noise noise(100 + run);
    const Channel channel(256, 1000 + run, [&](bool, std::size_t) { return noise.normal(); });
    const Estimate found = estimate(channel.bits, channel.observations, 0.01, run, 999);
    if (found.found) {
      ++called_channels;
    } else {
      EXPECT_EQ(found.rate, 0);
    }
    EXPECT_GT(found.high, 0) << "so few symbols rule nothing out altogether";
  }
  EXPECT_LE(called_channels, 2);
}

TEST(Estimate, NoiseThatRemembersIsNoChannelEither) {
  int called_channels = 0;
  for (std::uint64_t run = 0; run < 40; ++run) {
    Noise noise(500 + run);
    double level = 0;
    const Channel channel(400, 2000 + run, [&](bool, std::size_t) { return level = 0.98 * level + noise.normal(); });
    if (estimate(channel.bits, channel.observations, 0.01, run, 999).found) ++called_channels;
  }
  EXPECT_LE(called_channels, 1);
}

TEST(Estimate, SomethingConstantIsNoChannel) {
  const Channel channel(256, 7, [](bool, std::size_t) { return 5.0; });
  const Estimate found = estimate(channel.bits, channel.observations, 0.01);
  EXPECT_FALSE(found.found);
  EXPECT_EQ(found.rate, 0);
}

TEST(Estimate, TooFewSymbolsAreNotJudged) {
  const Channel channel(20, 8, [](bool bit, std::size_t) { return bit ? 1.0 : 0.0; });
  const Estimate found = estimate(channel.bits, channel.observations, 0.1);
  EXPECT_FALSE(found.found);
  EXPECT_EQ(found.high, 10);
}

TEST(Estimate, TheIntervalHoldsTheTruthAboutAsOftenAsItSays) {
  const double truth = 1 - entropy(0.2);
  int held = 0;
  for (std::uint64_t run = 0; run < 100; ++run) {
    Noise noise(3000 + run);
    const Channel channel(1000, 4000 + run,
                          [&](bool bit, std::size_t) { return bit != noise.chance(0.2) ? 1.0 : 0.0; });
    const Estimate found = estimate(channel.bits, channel.observations, 1, run, 999);
    if (found.low <= truth && truth <= found.high) ++held;
  }
  EXPECT_GE(held, 86);
}

TEST(Classify, ByTheScale) {
  EXPECT_EQ(classify(0), Bandwidth::no_audit);
  EXPECT_EQ(classify(0.5), Bandwidth::acceptable);
  EXPECT_EQ(classify(1), Bandwidth::audit);
  EXPECT_EQ(classify(100), Bandwidth::audit);
  EXPECT_EQ(classify(101), Bandwidth::high);
}

}  // namespace
}  // namespace sluice::covert
