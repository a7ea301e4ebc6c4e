// MPIX_Comm_collectives of mpix_sluice.h.
#include "include/mpix_sluice.h"
#include "untrusted/interpose/collective/schedule.hpp"
#include "untrusted/interpose/wrapper.hpp"

namespace sluice::interpose {

namespace {

constexpr int kEverything = MPIX_COLLECTIVES_FROM_ROOT | MPIX_COLLECTIVES_TO_ROOT | MPIX_COLLECTIVES_ASCENDING |
                            MPIX_COLLECTIVES_ALL | MPIX_COLLECTIVES_NEIGHBOR;

/// How many ranks a root may be, or -1 if the host MPI does not know the communicator.
int roots_of(MPI_Comm comm) {
  int inter = 0;
  int size = 0;
  if (host.Comm_test_inter(comm, &inter) != MPI_SUCCESS) return -1;
  const int error = inter != 0 ? host.Comm_remote_size(comm, &size) : host.Comm_size(comm, &size);
  return error == MPI_SUCCESS ? size : -1;
}

int legal_kinds_between(VirtualComm& inter, int root) {
  const bool here = root == MPI_ROOT || root == MPI_PROC_NULL;
  const auto legal = [&](Relation relation) { return !obstacle_between(inter, relation, here).has_value(); };
  return (legal(Relation::from_root) ? MPIX_COLLECTIVES_FROM_ROOT : 0) |
         (legal(Relation::to_root) ? MPIX_COLLECTIVES_TO_ROOT : 0) |
         (legal(Relation::everyone) ? MPIX_COLLECTIVES_ALL : 0);
}

int legal_kinds(VirtualComm& comm, int root) {
  const Lock lock;
  if (comm.is_inter()) return legal_kinds_between(comm, root);
  SubjectMap& map = subject_map_of(comm);
  const auto legal = [&](Relation relation) { return !map.verdict(relation, root).has_value(); };
  return (legal(Relation::from_root) ? MPIX_COLLECTIVES_FROM_ROOT : 0) |
         (legal(Relation::to_root) ? MPIX_COLLECTIVES_TO_ROOT : 0) |
         (legal(Relation::ascending) ? MPIX_COLLECTIVES_ASCENDING : 0) |
         (legal(Relation::everyone) ? MPIX_COLLECTIVES_ALL : 0) |
         (obstacle_on_edges(comm).has_value() ? 0 : MPIX_COLLECTIVES_NEIGHBOR);
}

}  // namespace

}  // namespace sluice::interpose

using namespace sluice::interpose;  // NOLINT(google-build-using-namespace)

SLUICE_EXPORT int MPIX_Comm_collectives(MPI_Comm comm, int root, int* legal) {
  if (layer.subject == MPI_COMM_NULL) return MPI_ERR_OTHER;
  if (legal == nullptr) return MPI_ERR_ARG;
  if (comm == MPI_COMM_NULL) return MPI_ERR_COMM;
  VirtualComm* spanning = lookup(comm);
  const int roots = spanning != nullptr ? spanning->size : roots_of(comm);
  if (roots < 0) return MPI_ERR_COMM;
  int inter = 0;
  mediated::Comm_test_inter(comm, &inter);
  const bool in_local_group = inter != 0 && (root == MPI_ROOT || root == MPI_PROC_NULL);
  if (!in_local_group && (root < 0 || root >= roots)) return MPI_ERR_ROOT;
  *legal = spanning != nullptr ? legal_kinds(*spanning, root) : kEverything;
  return MPI_SUCCESS;
}
