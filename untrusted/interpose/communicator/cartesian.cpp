#include "untrusted/interpose/communicator/cartesian.hpp"

#include <limits>

namespace sluice::interpose {

std::int64_t size_of(std::span<const int> dims) noexcept {
  constexpr std::int64_t kMany = std::int64_t{std::numeric_limits<int>::max()} + 1;
  std::int64_t size = 1;
  for (const int dim : dims) {
    size *= dim;
    if (size >= kMany) return kMany;
  }
  return size;
}

std::vector<int> coordinates_of(const CartesianGrid& grid, int rank) {
  std::vector<int> coordinates(grid.dims.size());
  for (std::size_t i = grid.dims.size(); i-- > 0;) {
    coordinates[i] = rank % grid.dims[i];
    rank /= grid.dims[i];
  }
  return coordinates;
}

int rank_at(const CartesianGrid& grid, std::span<const int> coordinates) {
  int rank = 0;
  for (std::size_t i = 0; i < grid.dims.size(); ++i) {
    const int dim = grid.dims[i];
    int coordinate = coordinates[i];
    if (grid.periods[i] != 0) {
      coordinate %= dim;
      if (coordinate < 0) coordinate += dim;
    }
    if (coordinate < 0 || coordinate >= dim) return kNobody;
    rank = rank * dim + coordinate;
  }
  return rank;
}

std::pair<int, int> shift(const CartesianGrid& grid, int rank, int dimension, int displacement) {
  const auto index = static_cast<std::size_t>(dimension);
  const std::int64_t dim = grid.dims[index];
  std::vector<int> coordinates = coordinates_of(grid, rank);
  const std::int64_t own = coordinates[index];
  const auto at = [&](std::int64_t coordinate) {
    // One step beyond an edge is as good as many, and fits.
    if (grid.periods[index] != 0) coordinate %= dim;
    if (coordinate < -1) coordinate = grid.periods[index] != 0 ? coordinate + dim : -1;
    coordinates[index] = static_cast<int>(coordinate < dim ? coordinate : dim);
    return rank_at(grid, coordinates);
  };
  const int source = at(own - displacement);
  return {source, at(own + displacement)};
}

Subgrid subgrid_of(const CartesianGrid& grid, std::span<const int> remain, int rank) {
  Subgrid sub;
  std::vector<int> coordinates = coordinates_of(grid, rank);
  for (std::size_t i = 0; i < grid.dims.size(); ++i) {
    if (remain[i] != 0) {
      sub.place = sub.place * grid.dims[i] + coordinates[i];
      sub.grid.dims.push_back(grid.dims[i]);
      sub.grid.periods.push_back(grid.periods[i]);
    } else {
      sub.number = sub.number * grid.dims[i] + coordinates[i];
    }
  }
  const auto size = static_cast<int>(size_of(sub.grid.dims));
  for (int place = 0; place < size; ++place) {
    const std::vector<int> kept = coordinates_of(sub.grid, place);
    std::size_t next = 0;
    for (std::size_t i = 0; i < grid.dims.size(); ++i) {
      if (remain[i] != 0) coordinates[i] = kept[next++];
    }
    sub.ranks.push_back(rank_at(grid, coordinates));
  }
  return sub;
}

std::vector<int> neighbours_of(const CartesianGrid& grid, int rank) {
  std::vector<int> neighbours;
  for (std::size_t i = 0; i < grid.dims.size(); ++i) {
    const auto [below, above] = shift(grid, rank, static_cast<int>(i), 1);
    neighbours.push_back(below);
    neighbours.push_back(above);
  }
  return neighbours;
}

}  // namespace sluice::interpose
