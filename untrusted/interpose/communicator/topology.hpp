// Topologies of communicators that span subjects (MPI 3.1, chapter 7). A communicator inside the subject has one of the
// host MPI.
#pragma once

#include <utility>
#include <variant>
#include <vector>

#include "untrusted/interpose/communicator/cartesian.hpp"
#include "untrusted/interpose/communicator/communicator.hpp"

namespace sluice::interpose {

/// As in MPI_Graph_create.
struct Graph {
  std::vector<int> index;  ///< by rank: edges of this rank and all before it
  std::vector<int> edges;

  /// Neighbours of a rank are edges[first(rank)] up to, but not with, edges[index[rank]].
  [[nodiscard]] int first(int rank) const noexcept { return rank == 0 ? 0 : index[static_cast<std::size_t>(rank) - 1]; }
  [[nodiscard]] std::vector<int> neighbours_of(int rank) const {
    return {edges.begin() + first(rank), edges.begin() + index[static_cast<std::size_t>(rank)]};
  }
};

/// The own edges of a distributed graph.
struct DistributedGraph {
  std::vector<int> sources;
  std::vector<int> source_weights;  ///< as many as sources
  std::vector<int> destinations;
  std::vector<int> destination_weights;
  bool weighted = false;
};

struct Topology {
  std::variant<CartesianGrid, Graph, DistributedGraph> shape;
};

/// Ranks with which this process exchanges in neighbourhood collectives, in their order; kNobody: none in this place.
struct Neighbourhood {
  std::vector<int> sources;
  std::vector<int> destinations;
};

/// Neighbourhood of this process in a communicator. Precondition: it has a topology.
Neighbourhood neighbourhood_of(const VirtualComm& comm);

/// Who sends to whom in neighbourhood collectives, as far as this process knows: every pair of a grid or graph, in the
/// same order at all ranks, and the own ones of a distributed graph. Precondition: it has a topology.
std::vector<std::pair<int, int>> known_edges(const VirtualComm& comm);

/// The communicator's topology if it spans subjects and has one of this shape, else null: then the host MPI answers,
/// which knows no topology of a communicator that spans subjects.
template <typename Shape>
const Shape* shape_of(const VirtualComm* comm) noexcept {
  return comm == nullptr || comm->topology == nullptr ? nullptr : std::get_if<Shape>(&comm->topology->shape);
}

}  // namespace sluice::interpose
