// Every collective operation in every form (MPI 3.1, chapter 5; persistent ones: MPI 4.0, section 6.13).
#include "tests/conformance/collectives.hpp"

#include <array>

// MPI_I##X has to spell MPI_Ibcast: the names after the first letter are in lower case.
#define MPI_IBcast MPI_Ibcast
#define MPI_IBcast_c MPI_Ibcast_c
#define MPI_IGather MPI_Igather
#define MPI_IGather_c MPI_Igather_c
#define MPI_IGatherv MPI_Igatherv
#define MPI_IGatherv_c MPI_Igatherv_c
#define MPI_IScatter MPI_Iscatter
#define MPI_IScatter_c MPI_Iscatter_c
#define MPI_IScatterv MPI_Iscatterv
#define MPI_IScatterv_c MPI_Iscatterv_c
#define MPI_IAllgather MPI_Iallgather
#define MPI_IAllgather_c MPI_Iallgather_c
#define MPI_IAllgatherv MPI_Iallgatherv
#define MPI_IAllgatherv_c MPI_Iallgatherv_c
#define MPI_IAlltoall MPI_Ialltoall
#define MPI_IAlltoall_c MPI_Ialltoall_c
#define MPI_IAlltoallv MPI_Ialltoallv
#define MPI_IAlltoallv_c MPI_Ialltoallv_c
#define MPI_IAlltoallw MPI_Ialltoallw
#define MPI_IAlltoallw_c MPI_Ialltoallw_c
#define MPI_IReduce MPI_Ireduce
#define MPI_IReduce_c MPI_Ireduce_c
#define MPI_IAllreduce MPI_Iallreduce
#define MPI_IAllreduce_c MPI_Iallreduce_c
#define MPI_IReduce_scatter MPI_Ireduce_scatter
#define MPI_IReduce_scatter_c MPI_Ireduce_scatter_c
#define MPI_IReduce_scatter_block MPI_Ireduce_scatter_block
#define MPI_IReduce_scatter_block_c MPI_Ireduce_scatter_block_c
#define MPI_IScan MPI_Iscan
#define MPI_IScan_c MPI_Iscan_c
#define MPI_IExscan MPI_Iexscan
#define MPI_IExscan_c MPI_Iexscan_c

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

template <typename Body>
void rooted(const Case& c, Body body) {
  c.each_root([&](int root) { body(kWorld, root); });
}

template <typename Body>
void once(const Case&, Body body) {
  body(kWorld, 0);
}

CASE(barrier) { CALL(MPI_Barrier(kWorld)); }

CASE(barrier_nonblocking) {
  MPI_Request request;
  CALL(MPI_Ibarrier(kWorld, &request));
  CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
}

CASE(barrier_persistent) {
  MPI_Request request;
#if SLUICE_MPI4
  CALL(MPI_Barrier_init(kWorld, MPI_INFO_NULL, &request));
#else
  CALL(MPIX_Barrier_init(kWorld, MPI_INFO_NULL, &request));
#endif
  for (int round = 0; round < kCollectiveRounds; ++round) {
    CALL(MPI_Start(&request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
  }
  CALL(MPI_Request_free(&request));
}

/// Nobody leaves before the last has come.
CASE(barrier_holds_back) {
  if (!c.all_both()) return CALL(MPI_Barrier(kWorld));
  for (int late = 0; late < c.size; ++late) {
    int told = 0;
    if (c.rank == late) {
      for (int peer = 0; peer < c.size; ++peer) {
        if (peer != late) CALL(MPI_Send(&late, 1, MPI_INT, peer, c.tag, kWorld));
      }
    }
    CALL(MPI_Barrier(kWorld));
    if (c.rank == late) continue;
    // What was sent before the barrier arrives; looking for it needs no luck where sends complete only after it is.
    CALL(MPI_Recv(&told, 1, MPI_INT, late, c.tag, kWorld, MPI_STATUS_IGNORE));
    CHECK_EQ(told, late);
  }
}

const auto kBcast = [](const auto& b, int round) {
  for (int i = 0; i < 3; ++i) {
    CHECK_EQ(b.send[static_cast<std::size_t>(i)], b.value(b.root, i, round));
  }
};
SLUICE_COLLECTIVE(bcast, Bcast, rooted, kBcast, b.send.data(), b.n, MPI_INT, b.root)

const auto kGather = [](const auto& b, int round) {
  for (int i = 0; i < b.size * 3; ++i) {
    if (b.rank == b.root) b.is(i, i / 3, i % 3, round);
    if (b.rank != b.root) b.equals(i, -1);
  }
};
SLUICE_COLLECTIVE(gather, Gather, rooted, kGather, b.send.data(), b.n, MPI_INT, b.recv.data(), b.n, MPI_INT, b.root)

const auto kGatherv = [](const auto& b, int round) {
  for (int i = 0; i < b.size && b.rank == b.root; ++i) {
    for (int k = 0; k <= i; ++k) b.is(b.place_of(i) + k, i, k, round);
    b.equals(b.place_of(i) + i + 1, -1);
  }
};
SLUICE_COLLECTIVE(gatherv, Gatherv, rooted, kGatherv, b.send.data(), b.own_count, MPI_INT, b.recv.data(),
                  b.counts.data(), b.displacements.data(), MPI_INT, b.root)

const auto kScatter = [](const auto& b, int round) {
  for (int i = 0; i < 3; ++i) b.is(i, b.root, b.rank * 3 + i, round);
  b.equals(3, -1);
};
SLUICE_COLLECTIVE(scatter, Scatter, rooted, kScatter, b.send.data(), b.n, MPI_INT, b.recv.data(), b.n, MPI_INT, b.root)

const auto kScatterv = [](const auto& b, int round) {
  for (int i = 0; i <= b.rank; ++i) b.is(i, b.root, b.place_of(b.rank) + i, round);
  b.equals(b.rank + 1, -1);
};
SLUICE_COLLECTIVE(scatterv, Scatterv, rooted, kScatterv, b.send.data(), b.counts.data(), b.displacements.data(),
                  MPI_INT, b.recv.data(), b.own_count, MPI_INT, b.root)

const auto kAllgather = [](const auto& b, int round) {
  for (int i = 0; i < b.size * 3; ++i) b.is(i, i / 3, i % 3, round);
};
SLUICE_COLLECTIVE(allgather, Allgather, once, kAllgather, b.send.data(), b.n, MPI_INT, b.recv.data(), b.n, MPI_INT)

const auto kAllgatherv = [](const auto& b, int round) {
  for (int i = 0; i < b.size; ++i) {
    for (int k = 0; k <= i; ++k) b.is(b.place_of(i) + k, i, k, round);
    b.equals(b.place_of(i) + i + 1, -1);
  }
};
SLUICE_COLLECTIVE(allgatherv, Allgatherv, once, kAllgatherv, b.send.data(), b.own_count, MPI_INT, b.recv.data(),
                  b.counts.data(), b.displacements.data(), MPI_INT)

const auto kAlltoall = [](const auto& b, int round) {
  for (int i = 0; i < b.size * 3; ++i) b.is(i, i / 3, b.rank * 3 + i % 3, round);
};
SLUICE_COLLECTIVE(alltoall, Alltoall, once, kAlltoall, b.send.data(), b.n, MPI_INT, b.recv.data(), b.n, MPI_INT)

/// Rank i gets i + 1 ints from everybody.
const auto kAlltoallv = [](const auto& b, int round) {
  for (int from = 0; from < b.size; ++from) {
    for (int k = 0; k <= b.rank; ++k) b.is(b.own_place_of(from) + k, from, b.place_of(b.rank) + k, round);
    b.equals(b.own_place_of(from) + b.rank + 1, -1);
  }
};
SLUICE_COLLECTIVE(alltoallv, Alltoallv, once, kAlltoallv, b.send.data(), b.counts.data(), b.displacements.data(),
                  MPI_INT, b.recv.data(), b.own_counts.data(), b.own_displacements.data(), MPI_INT)
SLUICE_COLLECTIVE(alltoallw, Alltoallw, once, kAlltoallv, b.send.data(), b.counts.data(), b.bytes.data(),
                  b.types.data(), b.recv.data(), b.own_counts.data(), b.own_bytes.data(), b.types.data())

const auto kReduce = [](const auto& b, int round) {
  for (int i = 0; i < 3; ++i) b.equals(i, b.rank == b.root ? b.sum(0, b.size - 1, i, round) : -1);
};
SLUICE_COLLECTIVE(reduce, Reduce, rooted, kReduce, b.send.data(), b.recv.data(), b.n, MPI_INT, MPI_SUM, b.root)

const auto kAllreduce = [](const auto& b, int round) {
  for (int i = 0; i < 3; ++i) b.equals(i, b.sum(0, b.size - 1, i, round));
};
SLUICE_COLLECTIVE(allreduce, Allreduce, once, kAllreduce, b.send.data(), b.recv.data(), b.n, MPI_INT, MPI_SUM)

const auto kReduceScatter = [](const auto& b, int round) {
  const int before = b.rank * (b.rank + 1) / 2;
  for (int i = 0; i <= b.rank; ++i) b.equals(i, b.sum(0, b.size - 1, before + i, round));
  b.equals(b.rank + 1, -1);
};
SLUICE_COLLECTIVE(reduce_scatter, Reduce_scatter, once, kReduceScatter, b.send.data(), b.recv.data(), b.counts.data(),
                  MPI_INT, MPI_SUM)

const auto kReduceScatterBlock = [](const auto& b, int round) {
  for (int i = 0; i < 3; ++i) b.equals(i, b.sum(0, b.size - 1, b.rank * 3 + i, round));
};
SLUICE_COLLECTIVE(reduce_scatter_block, Reduce_scatter_block, once, kReduceScatterBlock, b.send.data(), b.recv.data(),
                  b.n, MPI_INT, MPI_SUM)

const auto kScan = [](const auto& b, int round) {
  for (int i = 0; i < 3; ++i) b.equals(i, b.sum(0, b.rank, i, round));
};
SLUICE_COLLECTIVE(scan, Scan, once, kScan, b.send.data(), b.recv.data(), b.n, MPI_INT, MPI_SUM)

const auto kExscan = [](const auto& b, int round) {
  for (int i = 0; i < 3 && b.rank > 0; ++i) b.equals(i, b.sum(0, b.rank - 1, i, round));
};
SLUICE_COLLECTIVE(exscan, Exscan, once, kExscan, b.send.data(), b.recv.data(), b.n, MPI_INT, MPI_SUM)

}  // namespace
}  // namespace sluice::conformance
