// Neighbourhood collectives in every form, on a ring (both directions) and on a line that goes up (MPI 3.1,
// section 7.6).
#include <array>

#include "tests/conformance/collectives.hpp"

#define MPI_INeighbor_allgather MPI_Ineighbor_allgather
#define MPI_INeighbor_allgather_c MPI_Ineighbor_allgather_c
#define MPI_INeighbor_allgatherv MPI_Ineighbor_allgatherv
#define MPI_INeighbor_allgatherv_c MPI_Ineighbor_allgatherv_c
#define MPI_INeighbor_alltoall MPI_Ineighbor_alltoall
#define MPI_INeighbor_alltoall_c MPI_Ineighbor_alltoall_c
#define MPI_INeighbor_alltoallv MPI_Ineighbor_alltoallv
#define MPI_INeighbor_alltoallv_c MPI_Ineighbor_alltoallv_c
#define MPI_INeighbor_alltoallw MPI_Ineighbor_alltoallw
#define MPI_INeighbor_alltoallw_c MPI_Ineighbor_alltoallw_c

namespace sluice::conformance {
namespace {

/// Frees a communicator even where the case ends early.
struct Owned {
  MPI_Comm comm = MPI_COMM_NULL;
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
  }
};

/// A periodic grid of one dimension: everybody has a neighbour on the left and one on the right.
template <typename Body>
void on_ring(const Case& c, Body body) {
  Owned ring;
  const int size = c.size, periodic = 1;
  CALL(MPI_Cart_create(MPI_COMM_WORLD, 1, &size, &periodic, 0, &ring.comm));
  c.attempt("ring", [&] { body(ring.comm, 0); });
}

/// A graph in which everybody sends to the next rank alone.
template <typename Body>
void on_line(const Case& c, Body body) {
  Owned line;
  const int below = c.rank - 1, above = c.rank + 1, weight = 1;
  CALL(MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, c.rank > 0 ? 1 : 0, &below, &weight, above < c.size ? 1 : 0,
                                      &above, &weight, MPI_INFO_NULL, 0, &line.comm));
  c.attempt("line", [&] { body(line.comm, 1); });
}

/// Ring, then line; `root` tells which.
template <typename Body>
void on_both(const Case& c, Body body) {
  on_ring(c, body);
  on_line(c, body);
}

/// The same, but for the line of MPICH 4.0.2 itself: its alltoallw gives nothing to a rank that sends to nobody.
template <typename Body>
void on_sound_ones(const Case& c, Body body) {
  on_ring(c, body);
  if (SLUICE_MPI4 == 0 || !c.one_subject()) on_line(c, body);
}

/// Who sends to this rank; the slot that it sends from follows from what it is.
template <typename B>
std::vector<int> sources(const B& b) {
  if (b.root == 1) return b.rank > 0 ? std::vector<int>{b.rank - 1} : std::vector<int>{};
  return {(b.rank + b.size - 1) % b.size, (b.rank + 1) % b.size};
}

/// `stride`: ints from one slot of the receive buffer to the next. Everybody sends the same three ints to all.
template <typename B>
void check_gathered(const B& b, int round, int stride) {
  int slot = 0;
  for (const int from : sources(b)) {
    for (int k = 0; k < 3; ++k) b.is(slot * stride + k, from, k, round);
    ++slot;
  }
  b.equals(slot * stride, -1);
}

/// As above, but everybody sends from a slot for each neighbour: on a ring the left one gets slot 0.
template <typename B>
void check_exchanged(const B& b, int round, int stride) {
  int slot = 0;
  for (const int from : sources(b)) {
    // With two ranks on a ring the left neighbour is the right one, and hosts differ in which slot it gets.
    const int sent_from = b.root == 1 ? 0 : 1 - slot;
    for (int k = 0; k < 3 && (b.size > 2 || b.root == 1); ++k) {
      b.is(slot * stride + k, from, sent_from * stride + k, round);
    }
    if (b.size == 2 && b.root == 0) {
      const int got = b.recv[static_cast<std::size_t>(slot * stride)];
      CHECK(got == b.value(from, 0, round) || got == b.value(from, stride, round));
    }
    ++slot;
  }
  b.equals(slot * stride, -1);
}

const auto kGather = [](const auto& b, int round) { check_gathered(b, round, 3); };
const auto kGatherv = [](const auto& b, int round) { check_gathered(b, round, 4); };
const auto kAlltoall = [](const auto& b, int round) { check_exchanged(b, round, 3); };
const auto kAlltoallv = [](const auto& b, int round) { check_exchanged(b, round, 4); };

SLUICE_COLLECTIVE(neighbor_allgather, Neighbor_allgather, on_both, kGather, b.send.data(), b.n, MPI_INT, b.recv.data(),
                  b.n, MPI_INT)
SLUICE_COLLECTIVE(neighbor_allgatherv, Neighbor_allgatherv, on_both, kGatherv, b.send.data(), b.n, MPI_INT,
                  b.recv.data(), b.same_counts.data(), b.spaced.data(), MPI_INT)
SLUICE_COLLECTIVE(neighbor_alltoall, Neighbor_alltoall, on_both, kAlltoall, b.send.data(), b.n, MPI_INT, b.recv.data(),
                  b.n, MPI_INT)
SLUICE_COLLECTIVE(neighbor_alltoallv, Neighbor_alltoallv, on_both, kAlltoallv, b.send.data(), b.same_counts.data(),
                  b.spaced.data(), MPI_INT, b.recv.data(), b.same_counts.data(), b.spaced.data(), MPI_INT)
SLUICE_COLLECTIVE(neighbor_alltoallw, Neighbor_alltoallw, on_sound_ones, kAlltoallv, b.send.data(),
                  b.same_counts.data(), b.spaced_addresses.data(), b.types.data(), b.recv.data(), b.same_counts.data(),
                  b.spaced_addresses.data(), b.types.data())

/// Everybody sends to the next rank, and the last one to the first, which may be against the flow. Both know it, and
/// who waits for one of them is told; all others get what they should.
void send_around(const Case& c, MPI_Comm ring, bool blocking) {
  const int from = (c.rank + c.size - 1) % c.size, mine = number(c.rank, blocking ? 1 : 2);
  const bool closed = c.flow(c.size - 1, 0), at_the_gap = !closed && (c.rank == 0 || c.rank == c.size - 1);
  int got = -1, error = MPI_SUCCESS;
  MPI_Request request = MPI_REQUEST_NULL;
  if (blocking) {
    error = MPI_Neighbor_allgather(&mine, 1, MPI_INT, &got, 1, MPI_INT, ring);
  } else {
    error = MPI_Ineighbor_allgather(&mine, 1, MPI_INT, &got, 1, MPI_INT, ring, &request);
    if (error == MPI_SUCCESS && !at_the_gap) error = MPI_Wait(&request, MPI_STATUS_IGNORE);
  }
  if (!at_the_gap && !closed && from == 0) {
    CALL_FAILS(ended_class(), error);
    return;
  }
  require(error, blocking ? "MPI_Neighbor_allgather" : "MPI_Ineighbor_allgather", __FILE__, __LINE__);
  CHECK(!at_the_gap);
  CHECK_EQ(got, number(from, blocking ? 1 : 2));
}

CASE(neighbor_edge_downwards) {
  Owned ring;
  const int from = (c.rank + c.size - 1) % c.size, to = (c.rank + 1) % c.size, weight = 1;
  CALL(
      MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, 1, &from, &weight, 1, &to, &weight, MPI_INFO_NULL, 0, &ring.comm));
  for (int round = 0; round < 3; ++round) {
    c.attempt("blocking", [&] { send_around(c, ring.comm, true); });
    c.attempt("nonblocking", [&] { send_around(c, ring.comm, false); });
  }
}

}  // namespace
}  // namespace sluice::conformance
