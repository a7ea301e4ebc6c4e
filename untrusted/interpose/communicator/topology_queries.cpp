// What communicators that span subjects tell of their topologies (MPI 3.1, section 7.5).
#include <algorithm>
#include <span>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/topology.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

/// Copies to an array of the program that may be shorter, or absent.
void copy_some(const std::vector<int>& from, int most, int* to) {
  if (to == nullptr || most <= 0) return;
  std::copy_n(from.begin(), std::min(from.size(), static_cast<std::size_t>(most)), to);
}

int rank_or_null(int rank) { return rank == kNobody ? MPI_PROC_NULL : rank; }

bool is_rank(const VirtualComm& comm, int rank) { return rank >= 0 && rank < comm.size; }

}  // namespace

namespace mediated {

int Topo_test(MPI_Comm comm, int* status) {
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr || spanning->topology == nullptr || status == nullptr) return host.Topo_test(comm, status);
  *status = shape_of<CartesianGrid>(spanning) != nullptr ? MPI_CART
            : shape_of<Graph>(spanning) != nullptr       ? MPI_GRAPH
                                                         : MPI_DIST_GRAPH;
  return MPI_SUCCESS;
}

int Cartdim_get(MPI_Comm comm, int* ndims) {
  const auto* grid = shape_of<CartesianGrid>(lookup(comm));
  if (grid == nullptr) return host.Cartdim_get(comm, ndims);
  if (ndims == nullptr) return raise(comm, MPI_ERR_ARG);
  *ndims = static_cast<int>(grid->dims.size());
  return MPI_SUCCESS;
}

int Cart_get(MPI_Comm comm, int maxdims, int dims[], int periods[], int coords[]) {
  const VirtualComm* spanning = lookup(comm);
  const auto* grid = shape_of<CartesianGrid>(spanning);
  if (grid == nullptr) return host.Cart_get(comm, maxdims, dims, periods, coords);
  copy_some(grid->dims, maxdims, dims);
  copy_some(grid->periods, maxdims, periods);
  copy_some(coordinates_of(*grid, spanning->rank), maxdims, coords);
  return MPI_SUCCESS;
}

int Cart_rank(MPI_Comm comm, const int coords[], int* rank) {
  const auto* grid = shape_of<CartesianGrid>(lookup(comm));
  if (grid == nullptr) return host.Cart_rank(comm, coords, rank);
  if (rank == nullptr || (coords == nullptr && !grid->dims.empty())) return raise(comm, MPI_ERR_ARG);
  const int found = rank_at(*grid, {coords, grid->dims.size()});
  if (found == kNobody) return raise(comm, MPI_ERR_ARG);
  *rank = found;
  return MPI_SUCCESS;
}

int Cart_coords(MPI_Comm comm, int rank, int maxdims, int coords[]) {
  const VirtualComm* spanning = lookup(comm);
  const auto* grid = shape_of<CartesianGrid>(spanning);
  if (grid == nullptr) return host.Cart_coords(comm, rank, maxdims, coords);
  if (!is_rank(*spanning, rank)) return raise(comm, MPI_ERR_RANK);
  if (maxdims < static_cast<int>(grid->dims.size())) return raise(comm, MPI_ERR_ARG);
  copy_some(coordinates_of(*grid, rank), maxdims, coords);
  return MPI_SUCCESS;
}

int Cart_shift(MPI_Comm comm, int direction, int disp, int* rank_source, int* rank_dest) {
  const VirtualComm* spanning = lookup(comm);
  const auto* grid = shape_of<CartesianGrid>(spanning);
  if (grid == nullptr) return host.Cart_shift(comm, direction, disp, rank_source, rank_dest);
  if (direction < 0 || direction >= static_cast<int>(grid->dims.size())) return raise(comm, MPI_ERR_ARG);
  if (rank_source == nullptr || rank_dest == nullptr) return raise(comm, MPI_ERR_ARG);
  const auto [source, destination] = shift(*grid, spanning->rank, direction, disp);
  *rank_source = rank_or_null(source);
  *rank_dest = rank_or_null(destination);
  return MPI_SUCCESS;
}

int Graphdims_get(MPI_Comm comm, int* nnodes, int* nedges) {
  const auto* graph = shape_of<Graph>(lookup(comm));
  if (graph == nullptr) return host.Graphdims_get(comm, nnodes, nedges);
  if (nnodes == nullptr || nedges == nullptr) return raise(comm, MPI_ERR_ARG);
  *nnodes = static_cast<int>(graph->index.size());
  *nedges = static_cast<int>(graph->edges.size());
  return MPI_SUCCESS;
}

int Graph_get(MPI_Comm comm, int maxindex, int maxedges, int index[], int edges[]) {
  const auto* graph = shape_of<Graph>(lookup(comm));
  if (graph == nullptr) return host.Graph_get(comm, maxindex, maxedges, index, edges);
  copy_some(graph->index, maxindex, index);
  copy_some(graph->edges, maxedges, edges);
  return MPI_SUCCESS;
}

int Graph_neighbors_count(MPI_Comm comm, int rank, int* nneighbors) {
  const VirtualComm* spanning = lookup(comm);
  const auto* graph = shape_of<Graph>(spanning);
  if (graph == nullptr) return host.Graph_neighbors_count(comm, rank, nneighbors);
  if (!is_rank(*spanning, rank)) return raise(comm, MPI_ERR_RANK);
  if (nneighbors == nullptr) return raise(comm, MPI_ERR_ARG);
  *nneighbors = static_cast<int>(graph->neighbours_of(rank).size());
  return MPI_SUCCESS;
}

int Graph_neighbors(MPI_Comm comm, int rank, int maxneighbors, int neighbors[]) {
  const VirtualComm* spanning = lookup(comm);
  const auto* graph = shape_of<Graph>(spanning);
  if (graph == nullptr) return host.Graph_neighbors(comm, rank, maxneighbors, neighbors);
  if (!is_rank(*spanning, rank)) return raise(comm, MPI_ERR_RANK);
  copy_some(graph->neighbours_of(rank), maxneighbors, neighbors);
  return MPI_SUCCESS;
}

int Dist_graph_neighbors_count(MPI_Comm comm, int* indegree, int* outdegree, int* weighted) {
  const auto* graph = shape_of<DistributedGraph>(lookup(comm));
  if (graph == nullptr) return host.Dist_graph_neighbors_count(comm, indegree, outdegree, weighted);
  if (indegree == nullptr || outdegree == nullptr || weighted == nullptr) return raise(comm, MPI_ERR_ARG);
  *indegree = static_cast<int>(graph->sources.size());
  *outdegree = static_cast<int>(graph->destinations.size());
  *weighted = graph->weighted ? 1 : 0;
  return MPI_SUCCESS;
}

int Dist_graph_neighbors(MPI_Comm comm, int maxindegree, int sources[], int sourceweights[], int maxoutdegree,
                         int destinations[], int destweights[]) {
  const auto* graph = shape_of<DistributedGraph>(lookup(comm));
  if (graph == nullptr) {
    return host.Dist_graph_neighbors(comm, maxindegree, sources, sourceweights, maxoutdegree, destinations,
                                     destweights);
  }
  copy_some(graph->sources, maxindegree, sources);
  copy_some(graph->destinations, maxoutdegree, destinations);
  if (!graph->weighted) return MPI_SUCCESS;
  if (sourceweights != MPI_UNWEIGHTED) copy_some(graph->source_weights, maxindegree, sourceweights);
  if (destweights != MPI_UNWEIGHTED) copy_some(graph->destination_weights, maxoutdegree, destweights);
  return MPI_SUCCESS;
}

// Where this library would put a rank is where it is.

int Cart_map(MPI_Comm comm, int ndims, const int dims[], const int periods[], int* newrank) {
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr) return host.Cart_map(comm, ndims, dims, periods, newrank);
  if (ndims < 0 || (ndims > 0 && dims == nullptr) || newrank == nullptr) return raise(comm, MPI_ERR_ARG);
  const std::int64_t size = size_of({dims, static_cast<std::size_t>(ndims)});
  if (size > spanning->size || size < 0) return raise(comm, MPI_ERR_ARG);
  *newrank = spanning->rank < size ? spanning->rank : MPI_UNDEFINED;
  return MPI_SUCCESS;
}

int Graph_map(MPI_Comm comm, int nnodes, const int index[], const int edges[], int* newrank) {
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr) return host.Graph_map(comm, nnodes, index, edges, newrank);
  if (nnodes < 0 || nnodes > spanning->size || newrank == nullptr) return raise(comm, MPI_ERR_ARG);
  *newrank = spanning->rank < nnodes ? spanning->rank : MPI_UNDEFINED;
  return MPI_SUCCESS;
}

}  // namespace mediated

}  // namespace sluice::interpose
