// The plans of collectives on intercommunicators (MPI 3.1, section 5.2.2): data goes between the groups. Arguments are
// those of the functions of the same names in plan.hpp; MPI_IN_PLACE is an error here.
#pragma once

#include "untrusted/interpose/collective/plan.hpp"

namespace sluice::interpose::inter {

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

}  // namespace sluice::interpose::inter
