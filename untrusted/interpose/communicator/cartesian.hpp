// Arithmetic of Cartesian grids of ranks, in row-major order (MPI 3.1, section 7.5). Knows nothing of communicators.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sluice::interpose {

/// Means nobody, where a rank is expected.
inline constexpr int kNobody = -1;

struct CartesianGrid {
  std::vector<int> dims;     ///< all positive
  std::vector<int> periods;  ///< 0 or 1 for each
};

/// Ranks that one rank of a grid shares a subgrid with.
struct Subgrid {
  CartesianGrid grid;      ///< dimensions that are kept
  int number = 0;          ///< among all subgrids
  int place = 0;           ///< own rank in it
  std::vector<int> ranks;  ///< in the whole grid, by rank in the subgrid
};

/// Ranks of a grid, or a number above the largest int if there are more.
std::int64_t size_of(std::span<const int> dims) noexcept;

/// Coordinates of a rank. Precondition: 0 <= rank < size_of(dims).
std::vector<int> coordinates_of(const CartesianGrid& grid, int rank);

/// Rank at coordinates, one for each dimension; those of periodic dimensions wrap around. kNobody beyond an edge.
int rank_at(const CartesianGrid& grid, std::span<const int> coordinates);

/// Ranks from which a rank receives, and to which it sends, in a shift by `displacement` along a dimension.
std::pair<int, int> shift(const CartesianGrid& grid, int rank, int dimension, int displacement);

/// The subgrid of `rank` that keeps the dimensions for which `remain` is not zero.
Subgrid subgrid_of(const CartesianGrid& grid, std::span<const int> remain, int rank);

/// Neighbours in the order of neighbourhood collectives: below and above in the first dimension, and so on.
std::vector<int> neighbours_of(const CartesianGrid& grid, int rank);

}  // namespace sluice::interpose
