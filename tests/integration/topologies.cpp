// Topologies on communicators that span subjects: what they tell, and messages between neighbours.
#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/integration/communicators.hpp"

namespace sluice::testing {
namespace {

std::vector<int> up_to(int size) {
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

int topology_of(MPI_Comm comm) {
  int status = -1;
  CHECK_EQ(MPI_Topo_test(comm, &status), MPI_SUCCESS);
  return status;
}

void wrong_places(MPI_Comm cart, int size) {
  MPI_Comm_set_errhandler(cart, MPI_ERRORS_RETURN);
  const int outside[2] = {0, 2};
  int rank = -1, from = -1, to = -1, coords[2];
  CHECK_EQ(error_class(MPI_Cart_rank(cart, outside, &rank)), MPI_ERR_ARG);
  CHECK_EQ(error_class(MPI_Cart_coords(cart, size, 2, coords)), MPI_ERR_RANK);
  CHECK_EQ(error_class(MPI_Cart_shift(cart, 2, 1, &from, &to)), MPI_ERR_ARG);
}

/// A grid with as many ranks as fit, two in the last dimension.
void grid(const Job& job) {
  const int rows = job.size() / 2;
  const int dims[2] = {rows, 2};
  const int periods[2] = {1, 0};
  MPI_Comm cart = MPI_COMM_NULL, copy = MPI_COMM_NULL;
  CHECK_EQ(MPI_Cart_create(MPI_COMM_WORLD, 2, dims, periods, 1, &cart), MPI_SUCCESS);
  CHECK_EQ(cart != MPI_COMM_NULL, job.rank() < 2 * rows);
  if (cart == MPI_COMM_NULL) return;
  CHECK_EQ(topology_of(cart), MPI_CART);
  check_communicator(cart, up_to(2 * rows), 1);
  CHECK_EQ(MPI_Comm_dup(cart, &copy), MPI_SUCCESS);
  for (const MPI_Comm comm : {cart, copy}) {
    int dimensions = 0, rank = -1;
    int got[2] = {}, round[2] = {}, coords[2] = {}, same[2] = {};
    CHECK_EQ(MPI_Cartdim_get(comm, &dimensions), MPI_SUCCESS);
    CHECK_EQ(dimensions, 2);
    CHECK_EQ(MPI_Cart_get(comm, 2, got, round, coords), MPI_SUCCESS);
    CHECK(got[0] == rows && got[1] == 2 && round[0] != 0 && round[1] == 0);
    CHECK(coords[0] == job.rank() / 2 && coords[1] == job.rank() % 2);
    CHECK_EQ(MPI_Cart_rank(comm, coords, &rank), MPI_SUCCESS);
    CHECK_EQ(rank, job.rank());
    CHECK_EQ(MPI_Cart_coords(comm, rank, 2, same), MPI_SUCCESS);
    CHECK(same[0] == coords[0] && same[1] == coords[1]);
    int from = -5, to = -5;
    CHECK_EQ(MPI_Cart_shift(comm, 0, 1, &from, &to), MPI_SUCCESS);
    CHECK_EQ(from, (job.rank() + 2 * rows - 2) % (2 * rows));
    CHECK_EQ(to, (job.rank() + 2) % (2 * rows));
    CHECK_EQ(MPI_Cart_shift(comm, 1, 1, &from, &to), MPI_SUCCESS);
    CHECK_EQ(from, job.rank() % 2 == 0 ? MPI_PROC_NULL : job.rank() - 1);
    CHECK_EQ(to, job.rank() % 2 == 0 ? job.rank() + 1 : MPI_PROC_NULL);
  }
  MPI_Comm_free(&copy);
  // Inside a subject the host MPI judges, and Open MPI accepts some of these.
  if (spans(members_of(cart))) wrong_places(cart, 2 * rows);
  MPI_Comm_free(&cart);
}

void rows_and_columns(const Job& job) {
  const int rows = job.size() / 2;
  const int dims[2] = {rows, 2};
  const int periods[2] = {1, 0};
  MPI_Comm cart = MPI_COMM_NULL;
  CHECK_EQ(MPI_Cart_create(MPI_COMM_WORLD, 2, dims, periods, 0, &cart), MPI_SUCCESS);
  if (cart == MPI_COMM_NULL) return;
  const int keep[3][2] = {{1, 0}, {0, 1}, {0, 0}};
  std::vector<int> expected[3];
  for (int rank = job.rank() % 2; rank < 2 * rows; rank += 2) expected[0].push_back(rank);
  expected[1] = {job.rank() / 2 * 2, job.rank() / 2 * 2 + 1};
  expected[2] = {job.rank()};
  // Inside a subject the host MPI makes them, and MPICH gives one without dimensions to rank 0 alone.
  const int cases = spans(members_of(cart)) ? 3 : 2;
  for (int i = 0; i < cases; ++i) {
    MPI_Comm sub = MPI_COMM_NULL;
    CHECK_EQ(MPI_Cart_sub(cart, keep[i], &sub), MPI_SUCCESS);
    check_communicator(sub, expected[i], 10 + i);
    CHECK_EQ(topology_of(sub), MPI_CART);
    int dimensions = -1;
    CHECK_EQ(MPI_Cartdim_get(sub, &dimensions), MPI_SUCCESS);
    CHECK_EQ(dimensions, i == 2 ? 0 : 1);
    if (i < 2) {
      int length = 0, round = -1, place = -1, rank = -1;
      MPI_Comm_rank(sub, &rank);
      CHECK_EQ(MPI_Cart_get(sub, 1, &length, &round, &place), MPI_SUCCESS);
      CHECK_EQ(length, expected[i].size());
      CHECK_EQ(round != 0, i == 0);
      CHECK_EQ(place, rank);
    }
    if (!spans(expected[i])) CHECK_EQ(MPI_Barrier(sub), MPI_SUCCESS);
    MPI_Comm_free(&sub);
  }
  MPI_Comm_free(&cart);
}

void grids_that_do_not_fit(const Job& job) {
  MPI_Comm made = MPI_COMM_NULL;
  const int periods[2] = {0, 0};
  const int large[2] = {job.size(), 2};
  const int negative[2] = {-1, 1};
  int rank = -1;
  CHECK_EQ(error_class(MPI_Cart_create(MPI_COMM_WORLD, 2, large, periods, 0, &made)), MPI_ERR_ARG);
  CHECK_EQ(error_class(MPI_Cart_create(MPI_COMM_WORLD, 2, negative, periods, 0, &made)), MPI_ERR_DIMS);
  CHECK_EQ(error_class(MPI_Cart_coords(MPI_COMM_WORLD, 0, 0, &rank)), MPI_ERR_TOPOLOGY);
  CHECK_EQ(topology_of(MPI_COMM_WORLD), MPI_UNDEFINED);
  const int one = 1, none = 0;
  CHECK_EQ(MPI_Cart_map(MPI_COMM_WORLD, 1, &one, &none, &rank), MPI_SUCCESS);
  CHECK_EQ(rank, job.rank() == 0 ? 0 : MPI_UNDEFINED);
  // One that the first rank alone is in lies inside a subject.
  CHECK_EQ(MPI_Cart_create(MPI_COMM_WORLD, 1, &one, &none, 0, &made), MPI_SUCCESS);
  CHECK_EQ(made != MPI_COMM_NULL, job.rank() == 0);
  if (made == MPI_COMM_NULL) return;
  CHECK_EQ(topology_of(made), MPI_CART);
  CHECK_EQ(MPI_Barrier(made), MPI_SUCCESS);
  MPI_Comm_free(&made);
}

/// A star around rank 0.
void graph(const Job& job) {
  std::vector<int> index(static_cast<std::size_t>(job.size()));
  std::vector<int> edges;
  for (int rank = 1; rank < job.size(); ++rank) edges.push_back(rank);
  index[0] = job.size() - 1;
  for (int rank = 1; rank < job.size(); ++rank) {
    edges.push_back(0);
    index[static_cast<std::size_t>(rank)] = index[0] + rank;
  }
  MPI_Comm made = MPI_COMM_NULL;
  CHECK_EQ(MPI_Graph_create(MPI_COMM_WORLD, job.size(), index.data(), edges.data(), 1, &made), MPI_SUCCESS);
  check_communicator(made, up_to(job.size()), 20);
  CHECK_EQ(topology_of(made), MPI_GRAPH);
  int nodes = 0, count = 0, center = -1;
  CHECK_EQ(MPI_Graphdims_get(made, &nodes, &count), MPI_SUCCESS);
  CHECK_EQ(nodes, job.size());
  CHECK_EQ(count, edges.size());
  std::vector<int> index_again(index.size()), edges_again(edges.size());
  CHECK_EQ(MPI_Graph_get(made, nodes, count, index_again.data(), edges_again.data()), MPI_SUCCESS);
  CHECK(index == index_again && edges == edges_again);
  CHECK_EQ(MPI_Graph_neighbors_count(made, 0, &count), MPI_SUCCESS);
  CHECK_EQ(count, job.size() - 1);
  CHECK_EQ(MPI_Graph_neighbors_count(made, job.size() - 1, &count), MPI_SUCCESS);
  CHECK_EQ(count, 1);
  CHECK_EQ(MPI_Graph_neighbors(made, job.size() - 1, 1, &center), MPI_SUCCESS);
  CHECK_EQ(center, 0);
  MPI_Comm_free(&made);
  CHECK_EQ(error_class(MPI_Graph_create(MPI_COMM_WORLD, job.size() + 1, index.data(), edges.data(), 0, &made)),
           MPI_ERR_ARG);
}

/// The own part of a ring: what a distributed graph tells must be that.
void check_ring(MPI_Comm made, const Job& job, bool weighted) {
  const int before = (job.rank() + job.size() - 1) % job.size();
  const int after = (job.rank() + 1) % job.size();
  check_communicator(made, up_to(job.size()), 30);
  CHECK_EQ(topology_of(made), MPI_DIST_GRAPH);
  int in = -1, out = -1, flag = -1, from = -1, to = -1, from_weight = -1, to_weight = -1;
  CHECK_EQ(MPI_Dist_graph_neighbors_count(made, &in, &out, &flag), MPI_SUCCESS);
  CHECK(in == 1 && out == 1 && (flag != 0) == weighted);
  CHECK_EQ(MPI_Dist_graph_neighbors(made, 1, &from, &from_weight, 1, &to, &to_weight), MPI_SUCCESS);
  CHECK_EQ(from, before);
  CHECK_EQ(to, after);
  if (weighted) CHECK(from_weight == 100 + before && to_weight == 100 + job.rank());
}

void adjacent_graph(const Job& job) {
  const int before = (job.rank() + job.size() - 1) % job.size();
  const int after = (job.rank() + 1) % job.size();
  const int in_weight = 100 + before, out_weight = 100 + job.rank();
  MPI_Comm made = MPI_COMM_NULL, copy = MPI_COMM_NULL;
  CHECK_EQ(MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, 1, &before, &in_weight, 1, &after, &out_weight, MPI_INFO_NULL,
                                          0, &made),
           MPI_SUCCESS);
  check_ring(made, job, true);
  CHECK_EQ(MPI_Comm_dup(made, &copy), MPI_SUCCESS);
  MPI_Comm_free(&made);
  check_ring(copy, job, true);
  MPI_Comm_free(&copy);
  CHECK_EQ(MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, 1, &before, MPI_UNWEIGHTED, 1, &after, MPI_UNWEIGHTED,
                                          MPI_INFO_NULL, 0, &made),
           MPI_SUCCESS);
  check_ring(made, job, false);
  MPI_Comm_free(&made);
}

/// Rank 0 names the edges of all others, the last rank those of rank 0; or it is refused, where not everybody may tell
/// everybody.
void distributed_graph(const Job& job) {
  bool everybody = true;
  for (int from = 0; from < job.size(); ++from) {
    for (int to = 0; to < job.size(); ++to) everybody = everybody && may_send(from, to);
  }
  std::vector<int> sources, degrees, destinations, weights;
  for (int rank = 0; rank < job.size(); ++rank) {
    if (job.rank() != (rank == 0 ? job.size() - 1 : 0)) continue;
    sources.push_back(rank);
    degrees.push_back(1);
    destinations.push_back((rank + 1) % job.size());
    weights.push_back(100 + rank);
  }
  weights.reserve(1);
  MPI_Comm made = MPI_COMM_NULL;
  const int error = MPI_Dist_graph_create(MPI_COMM_WORLD, static_cast<int>(sources.size()), sources.data(),
                                          degrees.data(), destinations.data(), weights.data(), MPI_INFO_NULL, 0, &made);
  if (!everybody) {
    CHECK_EQ(error_class(error), MPIX_ERR_FLOW);
    return;
  }
  if (!CHECK_EQ(error, MPI_SUCCESS)) return;
  check_ring(made, job, true);
  MPI_Comm_free(&made);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;  // NOLINT(google-build-using-namespace)
  const Job job(&argc, &argv);
  Verdict& verdict = Verdict::get();
  verdict.begin("grid"), grid(job);
  verdict.begin("rows and columns"), rows_and_columns(job);
  verdict.begin("grids that do not fit"), grids_that_do_not_fit(job);
  verdict.begin("graph"), graph(job);
  verdict.begin("adjacent graph"), adjacent_graph(job);
  verdict.begin("distributed graph"), distributed_graph(job);
  return Job::finish();
}
