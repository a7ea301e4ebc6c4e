// Collective operations on intercommunicators, blocking, nonblocking and persistent (MPI 3.1, section 5.2.2).
#include "tests/conformance/intercommunicators.hpp"

#if SLUICE_MPI4 == 0
#include <mpi-ext.h>
#endif

namespace sluice::conformance {
namespace {

enum class Form { blocking, nonblocking, persistent };

using Ints = std::vector<int>;

int value(int world_rank, int place) { return number(world_rank, place) % 100000; }

/// Numbers of one rank: value(rank, 0), value(rank, 1) ...
Ints values(int world_rank, int count) {
  Ints made;
  for (int i = 0; i < count; ++i) made.push_back(value(world_rank, i));
  return made;
}

/// One collective, as this rank sees it.
struct Try {
  const Case& c;
  const Bridge& b;
  Form form;
  MPI_Comm comm = b.between;
  int root = 0;          ///< the argument
  int root_world = -1;   ///< world rank
  bool is_root = false;  ///< this rank is the root
  bool is_other = true;  ///< this rank is in the other group than the root

  void finish(MPI_Request* request) const {
    if (form == Form::persistent) CALL(MPI_Start(request));
    CALL(MPI_Wait(request, MPI_STATUS_IGNORE));
    if (form == Form::persistent) CALL(MPI_Request_free(request));
  }
};

// NOLINTBEGIN(bugprone-macro-parentheses)
#if SLUICE_MPI4
#define PERSISTENT(X) MPI_##X##_init
#else
#define PERSISTENT(X) MPIX_##X##_init
#endif
#define ONE_FORM(t, BLOCKING, NONBLOCKING, INIT, ...)   \
  do {                                                  \
    MPI_Request request = MPI_REQUEST_NULL;             \
    if ((t).form == Form::blocking) {                   \
      CALL(BLOCKING(__VA_ARGS__));                      \
      break;                                            \
    }                                                   \
    if ((t).form == Form::nonblocking) {                \
      CALL(NONBLOCKING(__VA_ARGS__, &request));         \
    } else {                                            \
      CALL(INIT(__VA_ARGS__, MPI_INFO_NULL, &request)); \
    }                                                   \
    (t).finish(&request);                               \
  } while (false)
#define PERFORM(t, X, IX, ...) PERFORM_NAMED(t, MPI_##X, MPI_##IX, PERSISTENT(X), __VA_ARGS__)
#define PERFORM_NAMED(t, BLOCKING, NONBLOCKING, INIT, ...) ONE_FORM(t, BLOCKING, NONBLOCKING, INIT, __VA_ARGS__)
// NOLINTEND(bugprone-macro-parentheses)

/// Counts i + 1 and displacements with a gap of one.
struct Rising {
  Ints counts, displacements;
  int total = 0;
  explicit Rising(int size, int first = 1, int step = 1) {
    for (int i = 0; i < size; ++i) {
      counts.push_back(first + step * i);
      displacements.push_back(total);
      total += counts.back() + 1;
    }
  }
  [[nodiscard]] int at(int i) const { return displacements[static_cast<std::size_t>(i)]; }
};

void equals(const Ints& got, int place, int expected) {
  if (got[static_cast<std::size_t>(place)] != expected) CHECK_EQ(got[static_cast<std::size_t>(place)], expected);
}

int world_of(const Ints& ranks, int i) { return ranks[static_cast<std::size_t>(i)]; }

/// Freed however the case ends.
struct Datatype {
  MPI_Datatype type = MPI_DATATYPE_NULL;
  Datatype() = default;
  Datatype(const Datatype&) = delete;
  Datatype& operator=(const Datatype&) = delete;
  ~Datatype() {
    if (type != MPI_DATATYPE_NULL) MPI_Type_free(&type);
  }
};
struct Operation {
  MPI_Op op = MPI_OP_NULL;
  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() {
    if (op != MPI_OP_NULL) MPI_Op_free(&op);
  }
};

void bcast(const Try& t) {
  Ints data = t.is_root ? values(t.root_world, 3) : Ints(3, -1);
  PERFORM(t, Bcast, Ibcast, data.data(), 3, MPI_INT, t.root, t.comm);
  for (int i = 0; i < 3; ++i) equals(data, i, t.is_root || t.is_other ? value(t.root_world, i) : -1);
}

/// Every other int, and large.
void bcast_vector(const Try& t) {
  constexpr int kCount = 100000;
  Datatype gaps;
  CALL(MPI_Type_vector(kCount, 1, 2, MPI_INT, &gaps.type));
  CALL(MPI_Type_commit(&gaps.type));
  Ints data = t.is_root ? values(t.root_world, 2 * kCount) : Ints(2 * kCount, -1);
  PERFORM(t, Bcast, Ibcast, data.data(), 1, gaps.type, t.root, t.comm);
  if (!t.is_other) return;
  for (int i = 0; i < 2 * kCount - 1; ++i) equals(data, i, i % 2 == 0 ? value(t.root_world, i) : -1);
}

void gather(const Try& t) {
  const Ints sent = values(t.c.rank, 3);
  Ints got(static_cast<std::size_t>(t.b.remote()) * 3 + 1, -1);
  PERFORM(t, Gather, Igather, sent.data(), 3, MPI_INT, got.data(), 3, MPI_INT, t.root, t.comm);
  for (int i = 0; i < t.b.remote() * 3; ++i) {
    equals(got, i, t.is_root ? value(world_of(t.b.theirs, i / 3), i % 3) : -1);
  }
}

void gatherv(const Try& t) {
  const Ints sent = values(t.c.rank, t.b.rank + 1);
  const Rising r(t.b.remote());
  Ints got(static_cast<std::size_t>(r.total), -1);
  PERFORM(t, Gatherv, Igatherv, sent.data(), t.b.rank + 1, MPI_INT, got.data(), r.counts.data(), r.displacements.data(),
          MPI_INT, t.root, t.comm);
  for (int i = 0; i < t.b.remote() && t.is_root; ++i) {
    for (int k = 0; k <= i; ++k) equals(got, r.at(i) + k, value(world_of(t.b.theirs, i), k));
    equals(got, r.at(i) + i + 1, -1);
  }
}

void scatter(const Try& t) {
  const Ints sent = values(t.c.rank, t.b.remote() * 3);
  Ints got(4, -1);
  PERFORM(t, Scatter, Iscatter, sent.data(), 3, MPI_INT, got.data(), 3, MPI_INT, t.root, t.comm);
  for (int i = 0; i < 3; ++i) equals(got, i, t.is_other ? value(t.root_world, t.b.rank * 3 + i) : -1);
  equals(got, 3, -1);
}

void scatterv(const Try& t) {
  const Rising r(t.b.remote());
  const Rising mine(t.b.local());
  const Ints sent = values(t.c.rank, r.total);
  Ints got(static_cast<std::size_t>(t.b.rank) + 2, -1);
  PERFORM(t, Scatterv, Iscatterv, sent.data(), r.counts.data(), r.displacements.data(), MPI_INT, got.data(),
          t.b.rank + 1, MPI_INT, t.root, t.comm);
  for (int i = 0; i <= t.b.rank && t.is_other; ++i) equals(got, i, value(t.root_world, mine.at(t.b.rank) + i));
  equals(got, t.b.rank + 1, -1);
}

int sum_of(const Ints& ranks, int place) {
  int sum = 0;
  for (const int rank : ranks) sum += value(rank, place);
  return sum;
}

void reduce(const Try& t) {
  const Ints sent = values(t.c.rank, 5);
  Ints got(5, -1);
  PERFORM(t, Reduce, Ireduce, sent.data(), got.data(), 5, MPI_INT, MPI_SUM, t.root, t.comm);
  for (int i = 0; i < 5; ++i) equals(got, i, t.is_root ? sum_of(t.b.theirs, i) : -1);
}

/// x -> a x + b modulo a prime: associative, and what comes first matters.
struct Affine {
  int a, b;
};
Affine after(Affine first, Affine second) {
  constexpr int kPrime = 9973;
  return {first.a * second.a % kPrime, (first.b * second.a + second.b) % kPrime};
}
Affine affine_of(int rank) { return {2 + value(rank, 0) % 9000, value(rank, 1) % 9000}; }

void combine(void* in, void* inout, int* count, MPI_Datatype*) {
  auto* first = static_cast<Affine*>(in);
  auto* second = static_cast<Affine*>(inout);
  for (int i = 0; i < *count; ++i) second[i] = after(first[i], second[i]);
}

/// An operation that does not commute is applied in the order of ranks.
void reduce_in_order(const Try& t) {
  Operation in_order;
  Datatype pair;
  CALL(MPI_Op_create(combine, 0, &in_order.op));
  CALL(MPI_Type_contiguous(2, MPI_INT, &pair.type));
  CALL(MPI_Type_commit(&pair.type));
  const Affine sent = affine_of(t.c.rank);
  Affine got{-1, -1};
  PERFORM(t, Reduce, Ireduce, &sent, &got, 1, pair.type, in_order.op, t.root, t.comm);
  if (!t.is_root) return;
  Affine expected = affine_of(t.b.theirs.front());
  for (std::size_t i = 1; i < t.b.theirs.size(); ++i) expected = after(expected, affine_of(t.b.theirs[i]));
  CHECK_EQ(got.a, expected.a);
  CHECK_EQ(got.b, expected.b);
}

void barrier(const Try& t) { PERFORM(t, Barrier, Ibarrier, t.comm); }

void allgather(const Try& t) {
  const Ints sent = values(t.c.rank, 3);
  Ints got(static_cast<std::size_t>(t.b.remote()) * 3, -1);
  PERFORM(t, Allgather, Iallgather, sent.data(), 3, MPI_INT, got.data(), 3, MPI_INT, t.comm);
  for (int i = 0; i < t.b.remote() * 3; ++i) equals(got, i, value(world_of(t.b.theirs, i / 3), i % 3));
}

void allgatherv(const Try& t) {
  const Ints sent = values(t.c.rank, t.b.rank + 1);
  const Rising r(t.b.remote());
  Ints got(static_cast<std::size_t>(r.total), -1);
  PERFORM(t, Allgatherv, Iallgatherv, sent.data(), t.b.rank + 1, MPI_INT, got.data(), r.counts.data(),
          r.displacements.data(), MPI_INT, t.comm);
  for (int i = 0; i < t.b.remote(); ++i) {
    for (int k = 0; k <= i; ++k) equals(got, r.at(i) + k, value(world_of(t.b.theirs, i), k));
    equals(got, r.at(i) + i + 1, -1);
  }
}

void alltoall(const Try& t) {
  const Ints sent = values(t.c.rank, t.b.remote() * 3);
  Ints got(sent.size(), -1);
  PERFORM(t, Alltoall, Ialltoall, sent.data(), 3, MPI_INT, got.data(), 3, MPI_INT, t.comm);
  for (int i = 0; i < t.b.remote() * 3; ++i) {
    equals(got, i, value(world_of(t.b.theirs, i / 3), t.b.rank * 3 + i % 3));
  }
}

/// Between rank i of one group and k of the other go i + k + 1 ints.
struct Uneven {
  Rising mine, got_from;
  std::vector<Rising> theirs;
  explicit Uneven(const Try& t) : mine(t.b.remote(), t.b.rank + 1), got_from(mine) {
    for (int i = 0; i < t.b.remote(); ++i) theirs.emplace_back(t.b.local(), i + 1);
  }
  void check(const Try& t, const Ints& got) const {
    for (int i = 0; i < t.b.remote(); ++i) {
      const int from = theirs[static_cast<std::size_t>(i)].at(t.b.rank);
      for (int k = 0; k < t.b.rank + i + 1; ++k) {
        equals(got, got_from.at(i) + k, value(world_of(t.b.theirs, i), from + k));
      }
      equals(got, got_from.at(i) + t.b.rank + i + 1, -1);
    }
  }
};

void alltoallv(const Try& t) {
  const Uneven u(t);
  const Ints sent = values(t.c.rank, u.mine.total);
  Ints got(sent.size(), -1);
  PERFORM(t, Alltoallv, Ialltoallv, sent.data(), u.mine.counts.data(), u.mine.displacements.data(), MPI_INT, got.data(),
          u.mine.counts.data(), u.mine.displacements.data(), MPI_INT, t.comm);
  u.check(t, got);
}

void alltoallw(const Try& t) {
  const Uneven u(t);
  const Ints sent = values(t.c.rank, u.mine.total);
  Ints got(sent.size(), -1);
  Ints bytes = u.mine.displacements;
  for (int& place : bytes) place *= static_cast<int>(sizeof(int));
  const std::vector<MPI_Datatype> types(bytes.size(), MPI_INT);
  PERFORM(t, Alltoallw, Ialltoallw, sent.data(), u.mine.counts.data(), bytes.data(), types.data(), got.data(),
          u.mine.counts.data(), bytes.data(), types.data(), t.comm);
  u.check(t, got);
}

void allreduce(const Try& t) {
  const Ints sent = values(t.c.rank, 5);
  Ints got(5, -1);
  PERFORM(t, Allreduce, Iallreduce, sent.data(), got.data(), 5, MPI_INT, MPI_SUM, t.comm);
  for (int i = 0; i < 5; ++i) equals(got, i, sum_of(t.b.theirs, i));
}

/// Each group's data has one int for each pair of ranks.
void reduce_scatter(const Try& t) {
  const Ints sent = values(t.c.rank, t.b.local() * t.b.remote());
  const Ints counts(t.b.ours.size(), t.b.remote());
  Ints got(t.b.theirs.size(), -1);
  PERFORM(t, Reduce_scatter, Ireduce_scatter, sent.data(), got.data(), counts.data(), MPI_INT, MPI_SUM, t.comm);
  for (int i = 0; i < t.b.remote(); ++i) equals(got, i, sum_of(t.b.theirs, t.b.rank * t.b.remote() + i));
}

void reduce_scatter_block(const Try& t) {
  const Ints sent = values(t.c.rank, t.b.local() * t.b.remote());
  Ints got(t.b.theirs.size(), -1);
  PERFORM(t, Reduce_scatter_block, Ireduce_scatter_block, sent.data(), got.data(), t.b.remote(), MPI_INT, MPI_SUM,
          t.comm);
  for (int i = 0; i < t.b.remote(); ++i) equals(got, i, sum_of(t.b.theirs, t.b.rank * t.b.remote() + i));
}

/// With a root in each group, at its first and its last rank. A refusal says in which group the root was.
void rooted(const Case& c, Form form, void (*operation)(const Try&)) {
  each_bridge(c, [&](const Bridge& b) {
    for (const bool root_first : {true, false}) {
      const bool here = b.first == root_first;
      const Ints& group = here ? b.ours : b.theirs;
      for (const int root : {0, static_cast<int>(group.size()) - 1}) {
        Try t{c, b, form};
        t.root_world = world_of(group, root);
        t.is_root = t.root_world == c.rank;
        t.is_other = !here;
        t.root = here ? (t.is_root ? MPI_ROOT : MPI_PROC_NULL) : root;
        c.attempt(root_first ? "first" : "second", [&] { operation(t); });
      }
    }
  });
}

void everyone(const Case& c, Form form, void (*operation)(const Try&)) {
  each_bridge(c, [&](const Bridge& b) { operation(Try{c, b, form}); });
}

#define INTER_COLLECTIVE(operation, kind)                                              \
  CASE(intercomm_##operation) { kind(c, Form::blocking, operation); }                  \
  CASE(intercomm_##operation##_nonblocking) { kind(c, Form::nonblocking, operation); } \
  CASE(intercomm_##operation##_persistent) { kind(c, Form::persistent, operation); }

INTER_COLLECTIVE(bcast, rooted)
INTER_COLLECTIVE(bcast_vector, rooted)
INTER_COLLECTIVE(gather, rooted)
INTER_COLLECTIVE(gatherv, rooted)
INTER_COLLECTIVE(scatter, rooted)
INTER_COLLECTIVE(scatterv, rooted)
INTER_COLLECTIVE(reduce, rooted)
INTER_COLLECTIVE(reduce_in_order, rooted)
INTER_COLLECTIVE(barrier, everyone)
INTER_COLLECTIVE(allgather, everyone)
INTER_COLLECTIVE(allgatherv, everyone)
INTER_COLLECTIVE(alltoall, everyone)
INTER_COLLECTIVE(alltoallv, everyone)
INTER_COLLECTIVE(alltoallw, everyone)
INTER_COLLECTIVE(allreduce, everyone)
INTER_COLLECTIVE(reduce_scatter, everyone)
INTER_COLLECTIVE(reduce_scatter_block, everyone)

/// Several operations at a time, completed in the other order.
CASE(intercomm_several_at_a_time) {
  each_bridge(c, [&](const Bridge& b) {
    const Ints sent = values(c.rank, 2);
    Ints told(1, -1), sums(2, -1);
    MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    if (b.first && b.rank == 0) told[0] = 77;
    CALL(MPI_Ibcast(told.data(), 1, MPI_INT, b.first ? (b.rank == 0 ? MPI_ROOT : MPI_PROC_NULL) : 0, b.between,
                    &requests[0]));
    CALL(MPI_Ireduce(sent.data(), sums.data(), 2, MPI_INT, MPI_SUM,
                     b.first ? 0 : (b.rank == 0 ? MPI_ROOT : MPI_PROC_NULL), b.between, &requests[1]));
    CALL(MPI_Wait(&requests[1], MPI_STATUS_IGNORE));
    CALL(MPI_Wait(&requests[0], MPI_STATUS_IGNORE));
    if (!b.first) CHECK_EQ(told[0], 77);
    if (!b.first && b.rank == 0) {
      for (int i = 0; i < 2; ++i) equals(sums, i, sum_of(b.theirs, i));
    }
  });
}

/// A root that does not exist.
CASE(intercomm_wrong_root) {
  if (!c.one_subject()) {
    each_bridge(c, [&](const Bridge& b) {
      int data = 0;
      CALL_FAILS(MPI_ERR_ROOT, MPI_Bcast(&data, 1, MPI_INT, b.remote(), b.between));
    });
  }
}

}  // namespace
}  // namespace sluice::conformance
