// Intercommunicators (MPI 3.1, section 6.6), and the calls that start or join other jobs (chapter 10).
#include <unistd.h>

#include <array>

#include "tests/conformance/communicators.hpp"

#if SLUICE_MPI4 == 0
#include <mpi-ext.h>
#endif

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

/// Between the lower and the upper half of the world.
struct Halves {
  MPI_Comm own = MPI_COMM_NULL, between = MPI_COMM_NULL;
  int half = 0;
  bool low = false;

  explicit Halves(const Case& c) : half(c.size / 2), low(c.rank < c.size / 2) {
    MPI_Group world, group;
    int range[1][3] = {{low ? 0 : half, low ? half - 1 : c.size - 1, 1}};
    CALL(MPI_Comm_group(kWorld, &world));
    CALL(MPI_Group_range_incl(world, 1, range, &group));
    CALL(MPI_Comm_create(kWorld, group, &own));
    CALL(MPI_Comm_set_errhandler(own, MPI_ERRORS_RETURN));  // MPICH's does not inherit the world's
    CALL(MPI_Group_free(&group));
    CALL(MPI_Group_free(&world));
    CALL(MPI_Intercomm_create(own, 0, kWorld, low ? half : 0, c.tag, &between));
  }
  Halves(const Halves&) = delete;
  Halves& operator=(const Halves&) = delete;
  ~Halves() {
    if (between != MPI_COMM_NULL) MPI_Comm_free(&between);
    if (own != MPI_COMM_NULL) MPI_Comm_free(&own);
  }
};

CASE(intercomm_create) {
  const Halves h(c);
  int inter = 0, size = 0, remote = 0, rank = -1;
  CALL(MPI_Comm_test_inter(h.between, &inter));
  CHECK(inter != 0);
  CALL(MPI_Comm_size(h.between, &size));
  CALL(MPI_Comm_remote_size(h.between, &remote));
  CALL(MPI_Comm_rank(h.between, &rank));
  CHECK_EQ(size, h.low ? h.half : c.size - h.half);
  CHECK_EQ(remote, c.size - size);
  CHECK_EQ(rank, h.low ? c.rank : c.rank - h.half);
  MPI_Group group;
  CALL(MPI_Comm_remote_group(h.between, &group));
  CALL(MPI_Group_size(group, &size));
  CHECK_EQ(size, remote);
  CALL(MPI_Group_free(&group));
}

CASE(intercomm_messages) {
  const Halves h(c);
  int rank = -1, got = -1;
  MPI_Status status;
  CALL(MPI_Comm_rank(h.between, &rank));
  if (rank >= h.half) return;
  const int sent = number(c.rank);
  CALL(MPI_Sendrecv(&sent, 1, MPI_INT, rank, c.tag, &got, 1, MPI_INT, rank, c.tag, h.between, &status));
  CHECK_EQ(got, number(h.low ? c.rank + h.half : c.rank - h.half));
  CHECK_STATUS(status, rank, c.tag, 1, MPI_INT);
}

CASE(intercomm_merge) {
  const Halves h(c);
  MPI_Comm all;
  CALL(MPI_Intercomm_merge(h.between, h.low ? 1 : 0, &all));
  std::vector<int> expected;
  for (int i = 0; i < c.size; ++i) expected.push_back((i + h.half) % c.size);
  check_communicator(c, all, expected);
  check_allreduce(all);
  CALL(MPI_Comm_free(&all));
}

CASE(intercomm_collectives) {
  const Halves h(c);
  int sum = -1, value = c.rank + 1, told = h.low && c.rank == 0 ? 99 : -1;
  CALL(MPI_Allreduce(&value, &sum, 1, MPI_INT, MPI_SUM, h.between));
  const int low_sum = h.half * (h.half + 1) / 2;
  CHECK_EQ(sum, h.low ? c.size * (c.size + 1) / 2 - low_sum : low_sum);
  CALL(MPI_Bcast(&told, 1, MPI_INT, h.low ? (c.rank == 0 ? MPI_ROOT : MPI_PROC_NULL) : 0, h.between));
  CHECK_EQ(told, !h.low || c.rank == 0 ? 99 : -1);
  CALL(MPI_Barrier(h.between));
}

/// Starting further processes is refused where the communicator spans subjects. On the bare host nothing is started.
CASE(processes_of_the_world) {
  if (c.one_subject()) return;
  MPI_Comm made = MPI_COMM_NULL;
  std::array<char, MPI_MAX_PORT_NAME> port{"none"};
  std::array<char, 10> program{"/bin/true"};
  std::array<char*, 1> programs{program.data()};
  const std::array<int, 1> counts{1};
  const std::array<MPI_Info, 1> infos{MPI_INFO_NULL};
  c.attempt("", [&] {
    CALL(MPI_Comm_spawn("/bin/true", MPI_ARGV_NULL, 1, MPI_INFO_NULL, 0, kWorld, &made, MPI_ERRCODES_IGNORE));
  });
  c.attempt("", [&] {
    CALL(MPI_Comm_spawn_multiple(1, programs.data(), MPI_ARGVS_NULL, counts.data(), infos.data(), 0, kWorld, &made,
                                 MPI_ERRCODES_IGNORE));
  });
  c.attempt("", [&] { CALL(MPI_Comm_accept(port.data(), MPI_INFO_NULL, 0, kWorld, &made)); });
  c.attempt("", [&] { CALL(MPI_Comm_connect(port.data(), MPI_INFO_NULL, 0, kWorld, &made)); });
}

#if SLUICE_MPI4
/// MPICH's fault tolerance: refused where the communicator spans subjects.
CASE(failures_of_the_world) {
  if (c.one_subject()) return;
  MPI_Comm made = MPI_COMM_NULL;
  MPI_Group group = MPI_GROUP_NULL;
  int flag = 1;
  c.attempt("", [&] { CALL(MPIX_Comm_failure_ack(kWorld)); });
  c.attempt("", [&] { CALL(MPIX_Comm_failure_get_acked(kWorld, &group)); });
  c.attempt("", [&] { CALL(MPIX_Comm_agree(kWorld, &flag)); });
  c.attempt("", [&] { CALL(MPIX_Comm_shrink(kWorld, &made)); });
  c.attempt("", [&] { CALL(MPIX_Comm_revoke(kWorld)); });
}
#endif

}  // namespace
}  // namespace sluice::conformance
