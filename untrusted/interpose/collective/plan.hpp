// From the arguments of a collective call to the steps that carry it out.
#pragma once

#include <functional>
#include <vector>

#include "untrusted/interpose/collective/exchange.hpp"
#include "untrusted/interpose/collective/numbers.hpp"

namespace sluice::interpose {

/// A collective call that has been found legal: what each of its runs consists of.
struct Plan {
  int error = MPI_SUCCESS;  ///< why there is none; the error handler has been called
  /// Where there is an error too: what this rank does for those who do not know of it, without the program.
  std::function<void(Schedule&)> build;
  std::vector<MPI_Datatype> kept;  ///< duplicates that the plan owns
  MPI_Op op = MPI_OP_NULL;         ///< that the plan needs, if any
};

/// The call that is planned.
struct Call {
  const char* name;
  VirtualComm& comm;
  bool outlives = false;  ///< the operation may go on when the program has freed the datatypes
};

// One function for each collective of MPI 3.1, chapter 5, with the arguments of its blocking form; counts and
// displacements as in the forms for large counts (MPI 4.0, section 6.1).
Plan plan_barrier(const Call& call);
Plan plan_bcast(const Call& call, void* buffer, MPI_Count count, MPI_Datatype type, int root);
Plan plan_gather(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                 MPI_Count recvcount, MPI_Datatype recvtype, int root);
Plan plan_gatherv(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                  Numbers recvcounts, Numbers displs, MPI_Datatype recvtype, int root);
Plan plan_scatter(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                  MPI_Count recvcount, MPI_Datatype recvtype, int root);
Plan plan_scatterv(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers displs, MPI_Datatype sendtype,
                   void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype, int root);
Plan plan_allgather(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                    MPI_Count recvcount, MPI_Datatype recvtype);
Plan plan_allgatherv(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                     Numbers recvcounts, Numbers displs, MPI_Datatype recvtype);
Plan plan_alltoall(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                   MPI_Count recvcount, MPI_Datatype recvtype);
Plan plan_alltoallv(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls, MPI_Datatype sendtype,
                    void* recvbuf, Numbers recvcounts, Numbers rdispls, MPI_Datatype recvtype);
Plan plan_alltoallw(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls,
                    const MPI_Datatype* sendtypes, void* recvbuf, Numbers recvcounts, Numbers rdispls,
                    const MPI_Datatype* recvtypes);
Plan plan_reduce(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type, MPI_Op op,
                 int root);
Plan plan_allreduce(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type,
                    MPI_Op op);
Plan plan_reduce_scatter(const Call& call, const void* sendbuf, void* recvbuf, Numbers recvcounts, MPI_Datatype type,
                         MPI_Op op);
Plan plan_reduce_scatter_block(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count recvcount,
                               MPI_Datatype type, MPI_Op op);
Plan plan_scan(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type, MPI_Op op);
Plan plan_exscan(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type, MPI_Op op);

// The same for section 7.6, each with the ranks that the topology names.
Plan plan_neighbor_allgather(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                             void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype);
Plan plan_neighbor_allgatherv(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                              void* recvbuf, Numbers recvcounts, Numbers displs, MPI_Datatype recvtype);
Plan plan_neighbor_alltoall(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                            void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype);
Plan plan_neighbor_alltoallv(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls,
                             MPI_Datatype sendtype, void* recvbuf, Numbers recvcounts, Numbers rdispls,
                             MPI_Datatype recvtype);
Plan plan_neighbor_alltoallw(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls,
                             const MPI_Datatype* sendtypes, void* recvbuf, Numbers recvcounts, Numbers rdispls,
                             const MPI_Datatype* recvtypes);

}  // namespace sluice::interpose
