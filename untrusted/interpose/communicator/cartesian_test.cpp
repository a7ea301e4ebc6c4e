#include "untrusted/interpose/communicator/cartesian.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sluice::interpose {
namespace {

constexpr int kMost = std::numeric_limits<int>::max();

/// 2 x 3 x 2; the second dimension is a ring.
const CartesianGrid kGrid{{2, 3, 2}, {0, 1, 0}};

TEST(Cartesian, RanksAndCoordinatesAreInverse) {
  for (int rank = 0; rank < 12; ++rank) EXPECT_EQ(rank_at(kGrid, coordinates_of(kGrid, rank)), rank);
  EXPECT_EQ(coordinates_of(kGrid, 7), (std::vector{1, 0, 1}));
}

TEST(Cartesian, RingsWrapAndEdgesEnd) {
  EXPECT_EQ(rank_at(kGrid, std::vector{1, -1, 0}), rank_at(kGrid, std::vector{1, 2, 0}));
  EXPECT_EQ(rank_at(kGrid, std::vector{1, 7, 0}), rank_at(kGrid, std::vector{1, 1, 0}));
  EXPECT_EQ(rank_at(kGrid, std::vector{2, 0, 0}), kNobody);
  EXPECT_EQ(rank_at(kGrid, std::vector{0, 0, -1}), kNobody);
}

TEST(Cartesian, Shifts) {
  EXPECT_EQ(shift(kGrid, 0, 0, 1), (std::pair{kNobody, 6}));
  EXPECT_EQ(shift(kGrid, 0, 1, 1), (std::pair{4, 2}));
  EXPECT_EQ(shift(kGrid, 0, 1, -4), (std::pair{2, 4}));
  EXPECT_EQ(shift(kGrid, 1, 2, -1), (std::pair{kNobody, 0}));
  EXPECT_EQ(shift(kGrid, 3, 0, 0), (std::pair{3, 3}));
  EXPECT_EQ(shift(kGrid, 3, 2, kMost), (std::pair{kNobody, kNobody}));
  EXPECT_EQ(shift(kGrid, 0, 1, kMost), (std::pair{kMost % 3 == 1 ? 4 : 2, kMost % 3 == 1 ? 2 : 4}));
}

TEST(Cartesian, SubgridsPartTheGrid) {
  const int remain[] = {1, 0, 1};
  std::vector<int> seen(12, 0);
  for (int rank = 0; rank < 12; ++rank) {
    const Subgrid sub = subgrid_of(kGrid, remain, rank);
    ASSERT_EQ(sub.ranks.size(), 4U);
    EXPECT_EQ(sub.ranks[static_cast<std::size_t>(sub.place)], rank);
    EXPECT_EQ(sub.grid.dims, (std::vector{2, 2}));
    EXPECT_EQ(sub.grid.periods, (std::vector{0, 0}));
    EXPECT_EQ(sub.number, coordinates_of(kGrid, rank)[1]);
    for (const int other : sub.ranks) ++seen[static_cast<std::size_t>(other)];
  }
  EXPECT_EQ(seen, std::vector<int>(12, 4));
}

TEST(Cartesian, ASubgridWithoutDimensionsIsOneRank) {
  const int remain[] = {0, 0, 0};
  const Subgrid sub = subgrid_of(kGrid, remain, 5);
  EXPECT_EQ(sub.ranks, std::vector{5});
  EXPECT_EQ(sub.number, 5);
  EXPECT_TRUE(sub.grid.dims.empty());
}

TEST(Cartesian, SizesDoNotOverflow) {
  EXPECT_EQ(size_of(kGrid.dims), 12);
  EXPECT_EQ(size_of({}), 1);
  EXPECT_GT(size_of(std::vector{kMost, kMost, kMost, kMost}), kMost);
}

TEST(Cartesian, Neighbours) {
  EXPECT_EQ(neighbours_of(kGrid, 0), (std::vector{kNobody, 6, 4, 2, kNobody, 1}));
  // A ring of one rank is its own neighbour on both sides.
  EXPECT_EQ(neighbours_of({{1}, {1}}, 0), (std::vector{0, 0}));
}

}  // namespace
}  // namespace sluice::interpose
