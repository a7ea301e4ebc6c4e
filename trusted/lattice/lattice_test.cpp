#include "trusted/lattice/lattice.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::lattice {
namespace {

Lattice small() { return Lattice::make({"LOW", "MID", "HIGH"}, {"A", "B", "C"}).value(); }

/// Every label of small(): 3 levels times 8 subsets.
std::vector<Label> every_label() {
  std::vector<Label> labels;
  for (std::uint32_t level = 0; level < 3; ++level) {
    for (std::uint64_t set = 0; set < 8; ++set) labels.push_back({level, set});
  }
  return labels;
}

std::vector<Label> random_labels(std::size_t count, std::uint32_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Label> labels;
  for (std::size_t i = 0; i < count; ++i) {
    // Sparse, dense and nested sets, so that comparable pairs are not rare.
    const std::uint64_t one = random();
    const std::uint64_t other = random();
    const std::uint64_t set = i % 3 == 0 ? one & other : i % 3 == 1 ? one | other : one;
    const std::uint64_t nested = labels.empty() || i % 2 == 0 ? set : labels.back().compartments & set;
    labels.push_back({static_cast<std::uint32_t>(random() % kMaxLevels), nested});
  }
  return labels;
}

void expect_partial_order(const std::vector<Label>& labels) {
  std::size_t comparable = 0;
  for (const Label& a : labels) {
    EXPECT_TRUE(dominates(a, a));
    for (const Label& b : labels) {
      if (dominates(a, b) && dominates(b, a)) {
        EXPECT_EQ(a, b);
      }
      for (const Label& c : labels) {
        if (!dominates(a, b) || !dominates(b, c)) continue;
        ++comparable;
        EXPECT_TRUE(dominates(a, c));
      }
    }
  }
  EXPECT_GT(comparable, labels.size()) << "the sample must hold chains, or transitivity was not tested";
}

void expect_bounds(const std::vector<Label>& labels) {
  for (const Label& a : labels) {
    for (const Label& b : labels) {
      const Label up = join(a, b);
      const Label down = meet(a, b);
      EXPECT_TRUE(dominates(up, a) && dominates(up, b));
      EXPECT_TRUE(dominates(a, down) && dominates(b, down));
      for (const Label& c : labels) {
        if (dominates(c, a) && dominates(c, b)) {
          EXPECT_TRUE(dominates(c, up)) << "join is not the least upper bound";
        }
        if (dominates(a, c) && dominates(b, c)) {
          EXPECT_TRUE(dominates(down, c)) << "meet is not the greatest lower bound";
        }
      }
    }
  }
}

TEST(LatticeOrder, HoldsForEveryLabelOfASmallLattice) { expect_partial_order(every_label()); }
TEST(LatticeOrder, HoldsForRandomLabelsOfTheLargestLattice) { expect_partial_order(random_labels(150, 1)); }
TEST(LatticeBounds, HoldForEveryLabelOfASmallLattice) { expect_bounds(every_label()); }
TEST(LatticeBounds, HoldForRandomLabelsOfTheLargestLattice) { expect_bounds(random_labels(150, 2)); }

TEST(LatticeOrder, KnowsWhichCoordinateMatters) {
  const Lattice lattice = small();
  const auto label = [&](std::string_view text) { return lattice.parse(text).value(); };
  EXPECT_TRUE(dominates(label("HIGH//A/B"), label("MID//A")));
  EXPECT_FALSE(dominates(label("MID//A"), label("HIGH//A")));
  EXPECT_FALSE(dominates(label("HIGH"), label("LOW//C"))) << "a level does not stand in for a compartment";
  EXPECT_FALSE(dominates(label("LOW//A"), label("LOW//B")));
  EXPECT_FALSE(dominates(label("LOW//B"), label("LOW//A"))) << "incomparable both ways";
}

TEST(LatticeText, PrintsCompartmentsInTheLatticesOrder) {
  const Lattice lattice = small();
  EXPECT_EQ(lattice.print(lattice.parse("MID").value()), "MID");
  EXPECT_EQ(lattice.print(lattice.parse("MID//C/A").value()), "MID//A/C");
}

TEST(LatticeText, RoundTripsEveryLabel) {
  const Lattice lattice = small();
  for (const Label& label : every_label()) EXPECT_EQ(lattice.parse(lattice.print(label)).value(), label);
}

TEST(LatticeText, RefusesWhatIsNotALabel) {
  const Lattice lattice = small();
  const auto kind = [&](std::string_view text) { return lattice.parse(text).error().kind; };
  EXPECT_EQ(kind(""), LatticeError::unknown_level);
  EXPECT_EQ(kind("low"), LatticeError::unknown_level);
  EXPECT_EQ(kind("LOW/A"), LatticeError::unknown_level);
  EXPECT_EQ(kind("//A"), LatticeError::unknown_level);
  EXPECT_EQ(kind("LOW//"), LatticeError::unknown_compartment);
  EXPECT_EQ(kind("LOW//A/"), LatticeError::unknown_compartment);
  EXPECT_EQ(kind("LOW//A//B"), LatticeError::unknown_compartment);
  EXPECT_EQ(kind("LOW// A"), LatticeError::unknown_compartment);
  EXPECT_EQ(kind("LOW//A/A"), LatticeError::duplicate);
  EXPECT_EQ(lattice.parse("LOW//A/X/B").error().word, "X");
}

TEST(LatticeText, RefusesABannerThatDoesNotFitItsField) {
  std::vector<std::string> compartments;
  std::string all = "LOW//";
  for (int i = 0; i < 5; ++i) {
    compartments.push_back(std::string(60, 'C') + std::to_string(i));
    all += (i == 0 ? "" : "/") + compartments.back();
  }
  const Lattice lattice = Lattice::make({"LOW"}, compartments).value();
  EXPECT_EQ(lattice.parse(all).error().kind, LatticeError::too_long);
  EXPECT_TRUE(lattice.parse("LOW//" + compartments[0]).ok());
}

TEST(LatticeMake, RefusesWhatIsNoLattice) {
  const auto kind = [](std::vector<std::string> levels, std::vector<std::string> compartments) {
    return Lattice::make(std::move(levels), std::move(compartments)).error().kind;
  };
  EXPECT_EQ(kind({}, {}), LatticeError::no_levels);
  EXPECT_EQ(kind({"A", "A"}, {}), LatticeError::duplicate);
  EXPECT_EQ(kind({"A"}, {"X", "Y", "X"}), LatticeError::duplicate);
  EXPECT_EQ(kind({"A B"}, {}), LatticeError::bad_name);
  EXPECT_EQ(kind({"A/B"}, {}), LatticeError::bad_name);
  EXPECT_EQ(kind({""}, {}), LatticeError::bad_name);
  EXPECT_EQ(kind({std::string(kMaxNameBytes + 1, 'x')}, {}), LatticeError::bad_name);
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= kMaxCompartments; ++i) many.push_back("C" + std::to_string(i));
  EXPECT_EQ(kind({"A"}, many), LatticeError::too_many);
  many.pop_back();
  EXPECT_TRUE(Lattice::make({"A"}, many).ok());
}

TEST(LatticeMake, UsesTheLastOfSixtyFourCompartments) {
  std::vector<std::string> many;
  for (std::size_t i = 0; i < kMaxCompartments; ++i) many.push_back("C" + std::to_string(i));
  const Lattice lattice = Lattice::make({"A"}, many).value();
  const Label label = lattice.parse("A//C63").value();
  EXPECT_EQ(label.compartments, std::uint64_t{1} << 63);
  EXPECT_EQ(lattice.print(label), "A//C63");
}

}  // namespace
}  // namespace sluice::lattice
