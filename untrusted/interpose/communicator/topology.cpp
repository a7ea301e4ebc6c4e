#include "untrusted/interpose/communicator/topology.hpp"

namespace sluice::interpose {

Neighbourhood neighbourhood_of(const VirtualComm& comm) {
  if (const auto* graph = shape_of<DistributedGraph>(&comm)) return {graph->sources, graph->destinations};
  std::vector<int> neighbours;
  if (const auto* grid = shape_of<CartesianGrid>(&comm)) neighbours = neighbours_of(*grid, comm.rank);
  if (const auto* graph = shape_of<Graph>(&comm)) neighbours = graph->neighbours_of(comm.rank);
  return {neighbours, neighbours};
}

std::vector<std::pair<int, int>> known_edges(const VirtualComm& comm) {
  std::vector<std::pair<int, int>> edges;
  const auto add = [&](int rank, const std::vector<int>& neighbours) {
    for (const int neighbour : neighbours) {
      if (neighbour == kNobody) continue;
      edges.emplace_back(rank, neighbour);
      edges.emplace_back(neighbour, rank);
    }
  };
  if (const auto* graph = shape_of<DistributedGraph>(&comm)) {
    for (const int source : graph->sources) edges.emplace_back(source, comm.rank);
    for (const int destination : graph->destinations) edges.emplace_back(comm.rank, destination);
  }
  for (int rank = 0; rank < comm.size; ++rank) {
    if (const auto* grid = shape_of<CartesianGrid>(&comm)) add(rank, neighbours_of(*grid, rank));
    if (const auto* graph = shape_of<Graph>(&comm)) add(rank, graph->neighbours_of(rank));
  }
  return edges;
}

}  // namespace sluice::interpose
