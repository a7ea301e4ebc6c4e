// Process topologies (MPI 3.1, chapter 7).
#include <array>

#include "tests/conformance/communicators.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

CASE(cartesian_line) {
  MPI_Comm grid;
  const int size = c.size, periodic = 0;
  CALL(MPI_Cart_create(kWorld, 1, &size, &periodic, 0, &grid));
  int kind = -1, dimensions = -1, rank = -1, below = -2, above = -2;
  CALL(MPI_Topo_test(grid, &kind));
  CHECK_EQ(kind, MPI_CART);
  CALL(MPI_Cartdim_get(grid, &dimensions));
  CHECK_EQ(dimensions, 1);
  std::array<int, 1> sizes{-1}, periods{-1}, place{-1};
  CALL(MPI_Cart_get(grid, 1, sizes.data(), periods.data(), place.data()));
  CHECK(sizes[0] == c.size && periods[0] == 0 && place[0] == c.rank);
  CALL(MPI_Cart_coords(grid, c.size - 1, 1, place.data()));
  CHECK_EQ(place[0], c.size - 1);
  CALL(MPI_Cart_rank(grid, place.data(), &rank));
  CHECK_EQ(rank, c.size - 1);
  CALL(MPI_Cart_shift(grid, 0, 1, &below, &above));
  CHECK_EQ(below, c.rank > 0 ? c.rank - 1 : MPI_PROC_NULL);
  CHECK_EQ(above, c.rank + 1 < c.size ? c.rank + 1 : MPI_PROC_NULL);
  // The shift upwards, with what MPI_Cart_shift gives.
  int sent = number(c.rank), got = -1;
  CALL(MPI_Sendrecv(&sent, 1, MPI_INT, above, c.tag, &got, 1, MPI_INT, below, c.tag, grid, MPI_STATUS_IGNORE));
  CHECK_EQ(got, c.rank > 0 ? number(c.rank - 1) : -1);
  check_communicator(c, grid, everybody(c));
  CALL(MPI_Comm_free(&grid));
}

/// Two rows; of an odd number of ranks the last one is left over.
CASE(cartesian_rows) {
  if (c.size < 2) return;
  const std::array<int, 2> sizes{2, c.size / 2}, periods{0, 1};
  MPI_Comm grid;
  CALL(MPI_Cart_create(kWorld, 2, sizes.data(), periods.data(), 0, &grid));
  const bool inside = c.rank < 2 * (c.size / 2);
  CHECK_EQ(grid != MPI_COMM_NULL, inside);
  if (grid == MPI_COMM_NULL) return;
  int left = -1, right = -1;
  std::array<int, 2> place{};
  CALL(MPI_Cart_coords(grid, c.rank, 2, place.data()));
  CHECK(place[0] == c.rank / sizes[1] && place[1] == c.rank % sizes[1]);
  CALL(MPI_Cart_shift(grid, 1, 1, &left, &right));
  CHECK_EQ(right, place[0] * sizes[1] + (place[1] + 1) % sizes[1]);
  CALL(MPI_Comm_free(&grid));
}

/// Rows of a grid; where its ranks may not all exchange, as for MPI_Comm_split.
CASE(cartesian_sub) {
  const std::array<int, 2> sizes{2, c.size / 2}, periods{0, 0}, remain{0, 1};
  MPI_Comm grid, row;
  CALL(MPI_Cart_create(kWorld, 2, sizes.data(), periods.data(), 0, &grid));
  if (grid == MPI_COMM_NULL) return;
  c.attempt("", [&] {
    CALL(MPI_Cart_sub(grid, remain.data(), &row));
    std::vector<int> expected;
    for (int i = 0; i < sizes[1]; ++i) expected.push_back(c.rank / sizes[1] * sizes[1] + i);
    check_communicator(c, row, expected);
    CALL(MPI_Comm_free(&row));
  });
  CALL(MPI_Comm_free(&grid));
}

CASE(cartesian_map) {
  const int size = c.size, periodic = 0;
  int rank = -1;
  CALL(MPI_Cart_map(kWorld, 1, &size, &periodic, &rank));
  CHECK(rank == MPI_UNDEFINED || (rank >= 0 && rank < c.size));
}

CASE(dims_create) {
  std::array<int, 3> sizes{0, 2, 0};
  CALL(MPI_Dims_create(12, 3, sizes.data()));
  CHECK_EQ(sizes[0] * sizes[1] * sizes[2], 12);
  CHECK_EQ(sizes[1], 2);
  CALL_FAILS(MPI_ERR_DIMS, MPI_Dims_create(7, 3, sizes.data()));
}

/// Without a topology the questions about one are errors.
CASE(no_topology) {
  int kind = -1, value = -1, other = -1;
  CALL(MPI_Topo_test(kWorld, &kind));
  CHECK_EQ(kind, MPI_UNDEFINED);
  CALL_FAILS(MPI_ERR_TOPOLOGY, MPI_Cartdim_get(kWorld, &value));
  CALL_FAILS(MPI_ERR_TOPOLOGY, MPI_Cart_shift(kWorld, 0, 1, &value, &other));
  CALL_FAILS(MPI_ERR_TOPOLOGY, MPI_Graph_neighbors_count(kWorld, 0, &value));
}

/// A ring, as a graph that every rank knows whole.
CASE(graph) {
  if (c.size < 3) return;
  std::vector<int> index, edges;
  for (int i = 0; i < c.size; ++i) {
    edges.push_back((i + c.size - 1) % c.size);
    edges.push_back((i + 1) % c.size);
    index.push_back(static_cast<int>(edges.size()));
  }
  MPI_Comm comm;
  CALL(MPI_Graph_create(kWorld, c.size, index.data(), edges.data(), 0, &comm));
  int kind = -1, nodes = -1, links = -1, count = -1, rank = -1;
  CALL(MPI_Topo_test(comm, &kind));
  CHECK_EQ(kind, MPI_GRAPH);
  CALL(MPI_Graphdims_get(comm, &nodes, &links));
  CHECK(nodes == c.size && links == 2 * c.size);
  std::vector<int> index_back(index.size()), edges_back(edges.size());
  CALL(MPI_Graph_get(comm, c.size, 2 * c.size, index_back.data(), edges_back.data()));
  CHECK(index_back == index && edges_back == edges);
  CALL(MPI_Graph_neighbors_count(comm, c.size - 1, &count));
  CHECK_EQ(count, 2);
  std::array<int, 2> neighbours{};
  CALL(MPI_Graph_neighbors(comm, c.size - 1, 2, neighbours.data()));
  CHECK(neighbours[0] == c.size - 2 && neighbours[1] == 0);
  check_communicator(c, comm, everybody(c));
  CALL(MPI_Comm_free(&comm));
  CALL(MPI_Graph_map(kWorld, c.size, index.data(), edges.data(), &rank));
  CHECK(rank == MPI_UNDEFINED || (rank >= 0 && rank < c.size));
}

void check_line(const Case& c, MPI_Comm comm) {
  int kind = -1, in = -1, out = -1, weighted = -1;
  CALL(MPI_Topo_test(comm, &kind));
  CHECK_EQ(kind, MPI_DIST_GRAPH);
  CALL(MPI_Dist_graph_neighbors_count(comm, &in, &out, &weighted));
  CHECK_EQ(in, c.rank > 0 ? 1 : 0);
  CHECK_EQ(out, c.rank + 1 < c.size ? 1 : 0);
  CHECK(weighted != 0);
  int source = -1, source_weight = -1, destination = -1, destination_weight = -1;
  CALL(MPI_Dist_graph_neighbors(comm, in, &source, &source_weight, out, &destination, &destination_weight));
  if (in == 1) CHECK(source == c.rank - 1 && source_weight == 10 + source);
  if (out == 1) CHECK(destination == c.rank + 1 && destination_weight == 10 + c.rank);
  check_communicator(c, comm, everybody(c));
}

CASE(dist_graph_adjacent) {
  const int below = c.rank - 1, above = c.rank + 1, weight_in = 10 + below, weight_out = 10 + c.rank;
  MPI_Comm comm;
  CALL(MPI_Dist_graph_create_adjacent(kWorld, c.rank > 0 ? 1 : 0, &below, &weight_in, above < c.size ? 1 : 0, &above,
                                      &weight_out, MPI_INFO_NULL, 0, &comm));
  check_line(c, comm);
  CALL(MPI_Comm_free(&comm));
}

/// The same line, told whole by the first rank alone.
CASE(dist_graph) {
  std::vector<int> sources, degrees, destinations, weights;
  for (int i = 0; i + 1 < c.size && c.rank == 0; ++i) {
    sources.push_back(i);
    degrees.push_back(1);
    destinations.push_back(i + 1);
    weights.push_back(10 + i);
  }
  MPI_Comm comm;
  CALL(MPI_Dist_graph_create(kWorld, static_cast<int>(sources.size()), sources.data(), degrees.data(),
                             destinations.data(), weights.data(), MPI_INFO_NULL, 0, &comm));
  check_line(c, comm);
  CALL(MPI_Comm_free(&comm));
}

}  // namespace
}  // namespace sluice::conformance
