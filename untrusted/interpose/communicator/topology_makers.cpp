// Makes communicators with a topology that span subjects (MPI 3.1, section 7.5). Ranks are never reordered.
#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/class_exchange.hpp"
#include "untrusted/interpose/communicator/new_communicator.hpp"
#include "untrusted/interpose/communicator/topology.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

std::vector<int> to_vector(const int* values, int count) {
  return count <= 0 ? std::vector<int>() : std::vector<int>(values, values + count);
}

/// Gives what lies inside the subject a topology of the host MPI.
template <typename HostCreate>
int add_host_topology(MPI_Comm* comm, HostCreate&& create) {
  if (*comm == MPI_COMM_NULL || is_virtual(*comm)) return MPI_SUCCESS;
  MPI_Comm plain = *comm;
  const int error = create(plain, comm);
  host.Comm_free(&plain);
  return error;
}

int add_host_grid(MPI_Comm* comm, const CartesianGrid& grid) {
  return add_host_topology(comm, [&](MPI_Comm plain, MPI_Comm* made) {
    return host.Cart_create(plain, static_cast<int>(grid.dims.size()), grid.dims.data(), grid.periods.data(), 0, made);
  });
}

RankList first_members(const VirtualComm& comm, std::int64_t count) {
  return {comm.world_rank.begin(), comm.world_rank.begin() + count};
}

bool all_ranks_of(const VirtualComm& comm, std::span<const int> ranks) {
  return std::all_of(ranks.begin(), ranks.end(), [&](int rank) { return rank >= 0 && rank < comm.size; });
}

/// Whether `index` and `edges` describe a graph of that many nodes.
bool is_graph(int nnodes, const int* index, const int* edges) {
  if (nnodes > 0 && index == nullptr) return false;
  int before = 0;
  for (int node = 0; node < nnodes; before = index[node++]) {
    if (index[node] < before) return false;
  }
  if (before > 0 && edges == nullptr) return false;
  return std::all_of(edges, edges + before, [&](int edge) { return edge >= 0 && edge < nnodes; });
}

/// One edge as MPI_Dist_graph_create tells it to all.
struct Edge {
  std::int32_t source;
  std::int32_t destination;
  std::int32_t weight;
};

/// Edges that this process names; false if they do not fit the communicator.
bool read_edges(const VirtualComm& comm, int n, const int* sources, const int* degrees, const int* destinations,
                const int* weights, std::vector<Edge>& edges) {
  if (n < 0 || (n > 0 && (sources == nullptr || degrees == nullptr))) return false;
  for (int i = 0, at = 0; i < n; ++i) {
    if (degrees[i] < 0 || (degrees[i] > 0 && destinations == nullptr)) return false;
    for (int last = at + degrees[i]; at < last; ++at) {
      edges.push_back({sources[i], destinations[at], weights == MPI_UNWEIGHTED ? 1 : weights[at]});
    }
  }
  return std::all_of(edges.begin(), edges.end(), [&](const Edge& edge) {
    const int ends[] = {edge.source, edge.destination};
    return all_ranks_of(comm, ends);
  });
}

/// Tells everybody the edges that each names, in the order of ranks.
int gather_edges(const VirtualComm& comm, const ExchangeClass& members, std::uint64_t ordinal, std::vector<Edge> own,
                 std::vector<Edge>& all) {
  const std::uint64_t count = own.size();
  std::vector<std::byte> bytes;
  if (const int error = class_allgather(comm, members, ordinal, std::as_bytes(std::span(&count, 1)), bytes)) {
    return error;
  }
  std::vector<std::uint64_t> counts(members.ranks.size());
  std::memcpy(counts.data(), bytes.data(), bytes.size());
  std::uint64_t most = 0;
  for (const std::uint64_t named : counts) most = std::max(most, named);
  if (most == 0) return MPI_SUCCESS;
  own.resize(most);
  if (const int error = class_allgather(comm, members, ordinal, std::as_bytes(std::span(own)), bytes)) return error;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::vector<Edge> edges(counts[i]);
    if (!edges.empty()) std::memcpy(edges.data(), bytes.data() + i * most * sizeof(Edge), counts[i] * sizeof(Edge));
    all.insert(all.end(), edges.begin(), edges.end());
  }
  return MPI_SUCCESS;
}

DistributedGraph own_part(int rank, std::span<const Edge> edges) {
  DistributedGraph graph;
  for (const Edge& edge : edges) {
    if (edge.destination == rank) {
      graph.sources.push_back(edge.source);
      graph.source_weights.push_back(edge.weight);
    }
    if (edge.source == rank) {
      graph.destinations.push_back(edge.destination);
      graph.destination_weights.push_back(edge.weight);
    }
  }
  return graph;
}

}  // namespace

namespace mediated {

int Cart_create(MPI_Comm comm_old, int ndims, const int dims[], const int periods[], int reorder, MPI_Comm* comm_cart) {
  VirtualComm* parent = lookup(comm_old);
  if (parent == nullptr) return host.Cart_create(comm_old, ndims, dims, periods, reorder, comm_cart);
  if (parent->is_inter()) return raise(comm_old, MPI_ERR_COMM);
  if (comm_cart == nullptr || ndims < 0 || (ndims > 0 && (dims == nullptr || periods == nullptr))) {
    return raise(comm_old, MPI_ERR_ARG);
  }
  CartesianGrid grid{to_vector(dims, ndims), to_vector(periods, ndims)};
  if (std::any_of(grid.dims.begin(), grid.dims.end(), [](int dim) { return dim < 1; })) {
    return raise(comm_old, MPI_ERR_DIMS);
  }
  for (int& period : grid.periods) period = period != 0 ? 1 : 0;
  const std::int64_t size = size_of(grid.dims);
  if (size > parent->size) return raise(comm_old, MPI_ERR_ARG);
  auto topology = std::make_shared<const Topology>(Topology{grid});
  const int error = create_communicator(*parent, first_members(*parent, size), std::move(topology), comm_cart);
  return error == MPI_SUCCESS ? add_host_grid(comm_cart, grid) : error;
}

int Cart_sub(MPI_Comm comm, const int remain_dims[], MPI_Comm* newcomm) {
  VirtualComm* parent = lookup(comm);
  const auto* grid = shape_of<CartesianGrid>(parent);
  if (grid == nullptr) return host.Cart_sub(comm, remain_dims, newcomm);
  if (newcomm == nullptr || (remain_dims == nullptr && !grid->dims.empty())) return raise(comm, MPI_ERR_ARG);
  const Subgrid sub = subgrid_of(*grid, {remain_dims, grid->dims.size()}, parent->rank);
  RankList world_ranks;
  for (const int rank : sub.ranks) world_ranks.push_back(parent->world_rank[static_cast<std::size_t>(rank)]);
  auto topology = std::make_shared<const Topology>(Topology{sub.grid});
  const std::uint64_t ordinal = next_child(*parent);
  const int error =
      split_communicator(*parent, ordinal, sub.number, sub.place, std::move(world_ranks), std::move(topology), newcomm);
  return error == MPI_SUCCESS ? add_host_grid(newcomm, sub.grid) : error;
}

int Graph_create(MPI_Comm comm_old, int nnodes, const int index[], const int edges[], int reorder,
                 MPI_Comm* comm_graph) {
  VirtualComm* parent = lookup(comm_old);
  if (parent == nullptr) return host.Graph_create(comm_old, nnodes, index, edges, reorder, comm_graph);
  if (parent->is_inter()) return raise(comm_old, MPI_ERR_COMM);
  if (comm_graph == nullptr || nnodes < 0 || nnodes > parent->size || !is_graph(nnodes, index, edges)) {
    return raise(comm_old, MPI_ERR_ARG);
  }
  Graph graph{to_vector(index, nnodes), to_vector(edges, nnodes == 0 ? 0 : index[nnodes - 1])};
  auto topology = std::make_shared<const Topology>(Topology{std::move(graph)});
  const int error = create_communicator(*parent, first_members(*parent, nnodes), std::move(topology), comm_graph);
  if (error != MPI_SUCCESS) return error;
  return add_host_topology(comm_graph, [&](MPI_Comm plain, MPI_Comm* made) {
    return host.Graph_create(plain, nnodes, index, edges, 0, made);
  });
}

int Dist_graph_create_adjacent(MPI_Comm comm_old, int indegree, const int sources[], const int sourceweights[],
                               int outdegree, const int destinations[], const int destweights[], MPI_Info info,
                               int reorder, MPI_Comm* comm_dist_graph) {
  VirtualComm* parent = lookup(comm_old);
  if (parent == nullptr) {
    return host.Dist_graph_create_adjacent(comm_old, indegree, sources, sourceweights, outdegree, destinations,
                                           destweights, info, reorder, comm_dist_graph);
  }
  if (parent->is_inter()) return raise(comm_old, MPI_ERR_COMM);
  if (comm_dist_graph == nullptr || indegree < 0 || outdegree < 0 || (indegree > 0 && sources == nullptr) ||
      (outdegree > 0 && destinations == nullptr)) {
    return raise(comm_old, MPI_ERR_ARG);
  }
  DistributedGraph graph;
  graph.sources = to_vector(sources, indegree);
  graph.destinations = to_vector(destinations, outdegree);
  if (!all_ranks_of(*parent, graph.sources) || !all_ranks_of(*parent, graph.destinations)) {
    return raise(comm_old, MPI_ERR_RANK);
  }
  graph.weighted = sourceweights != MPI_UNWEIGHTED && destweights != MPI_UNWEIGHTED;
  if (graph.weighted) {
    graph.source_weights = to_vector(sourceweights, indegree);
    graph.destination_weights = to_vector(destweights, outdegree);
  }
  auto topology = std::make_shared<const Topology>(Topology{std::move(graph)});
  return create_communicator(*parent, parent->world_rank, std::move(topology), comm_dist_graph);
}

int Dist_graph_create(MPI_Comm comm_old, int n, const int nodes[], const int degrees[], const int targets[],
                      const int weights[], MPI_Info info, int reorder, MPI_Comm* newcomm) {
  VirtualComm* parent = lookup(comm_old);
  if (parent == nullptr) {
    return host.Dist_graph_create(comm_old, n, nodes, degrees, targets, weights, info, reorder, newcomm);
  }
  if (parent->is_inter()) return raise(comm_old, MPI_ERR_COMM);
  const ExchangeClass members = class_of(*parent);
  // Anybody may name edges of anybody.
  if (!members.is_all_of(*parent)) return refuse("MPI_Dist_graph_create", RefusedKind::topology, comm_old);
  std::vector<Edge> own;
  if (newcomm == nullptr || !read_edges(*parent, n, nodes, degrees, targets, weights, own)) {
    return raise(comm_old, MPI_ERR_ARG);
  }
  std::vector<Edge> all;
  const int error = gather_edges(*parent, members, next_child(*parent), std::move(own), all);
  if (error != MPI_SUCCESS) return raise(comm_old, error);
  DistributedGraph graph = own_part(parent->rank, all);
  graph.weighted = weights != MPI_UNWEIGHTED;
  auto topology = std::make_shared<const Topology>(Topology{std::move(graph)});
  return create_communicator(*parent, parent->world_rank, std::move(topology), newcomm);
}

}  // namespace mediated

}  // namespace sluice::interpose
