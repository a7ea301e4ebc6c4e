#include "untrusted/interpose/communicator/topology.hpp"

namespace sluice::interpose {

Neighbourhood neighbourhood_of(const VirtualComm& comm) {
  if (const auto* graph = shape_of<DistributedGraph>(&comm)) return {graph->sources, graph->destinations};
  std::vector<int> neighbours;
  if (const auto* grid = shape_of<CartesianGrid>(&comm)) neighbours = neighbours_of(*grid, comm.rank);
  if (const auto* graph = shape_of<Graph>(&comm)) neighbours = graph->neighbours_of(comm.rank);
  return {neighbours, neighbours};
}

}  // namespace sluice::interpose
