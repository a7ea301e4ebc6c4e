// Nonblocking collectives on communicators that span subjects (MPI 3.1, section 5.12).
#include "mediated.hpp"
#include "untrusted/interpose/collective/running.hpp"

namespace sluice::interpose::mediated {

int Ibarrier(MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning, plan_barrier({"MPI_Ibarrier", spanning, true}), request);
}

int Ibcast(void* buffer, int count, MPI_Datatype datatype, int root, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning, plan_bcast({"MPI_Ibcast", spanning, true}, buffer, count, datatype, root), request);
}

int Igather(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
            MPI_Datatype recvtype, int root, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(
      spanning,
      plan_gather({"MPI_Igather", spanning, true}, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root),
      request);
}

int Igatherv(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, const int recvcounts[],
             const int displs[], MPI_Datatype recvtype, int root, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_gatherv({"MPI_Igatherv", spanning, true}, sendbuf, sendcount, sendtype, recvbuf,
                                       recvcounts, displs, recvtype, root),
                          request);
}

int Iscatter(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
             MPI_Datatype recvtype, int root, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(
      spanning,
      plan_scatter({"MPI_Iscatter", spanning, true}, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root),
      request);
}

int Iscatterv(const void* sendbuf, const int sendcounts[], const int displs[], MPI_Datatype sendtype, void* recvbuf,
              int recvcount, MPI_Datatype recvtype, int root, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_scatterv({"MPI_Iscatterv", spanning, true}, sendbuf, sendcounts, displs, sendtype,
                                        recvbuf, recvcount, recvtype, root),
                          request);
}

int Iallgather(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
               MPI_Datatype recvtype, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(
      spanning,
      plan_allgather({"MPI_Iallgather", spanning, true}, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype),
      request);
}

int Iallgatherv(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, const int recvcounts[],
                const int displs[], MPI_Datatype recvtype, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_allgatherv({"MPI_Iallgatherv", spanning, true}, sendbuf, sendcount, sendtype, recvbuf,
                                          recvcounts, displs, recvtype),
                          request);
}

int Ialltoall(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
              MPI_Datatype recvtype, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(
      spanning,
      plan_alltoall({"MPI_Ialltoall", spanning, true}, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype),
      request);
}

int Ialltoallv(const void* sendbuf, const int sendcounts[], const int sdispls[], MPI_Datatype sendtype, void* recvbuf,
               const int recvcounts[], const int rdispls[], MPI_Datatype recvtype, MPI_Comm comm,
               MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_alltoallv({"MPI_Ialltoallv", spanning, true}, sendbuf, sendcounts, sdispls, sendtype,
                                         recvbuf, recvcounts, rdispls, recvtype),
                          request);
}

int Ialltoallw(const void* sendbuf, const int sendcounts[], const int sdispls[], const MPI_Datatype sendtypes[],
               void* recvbuf, const int recvcounts[], const int rdispls[], const MPI_Datatype recvtypes[],
               MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_alltoallw({"MPI_Ialltoallw", spanning, true}, sendbuf, sendcounts, sdispls, sendtypes,
                                         recvbuf, recvcounts, rdispls, recvtypes),
                          request);
}

int Ireduce(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, int root, MPI_Comm comm,
            MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(
      spanning, plan_reduce({"MPI_Ireduce", spanning, true}, sendbuf, recvbuf, count, datatype, op, root), request);
}

int Iallreduce(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm,
               MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(
      spanning, plan_allreduce({"MPI_Iallreduce", spanning, true}, sendbuf, recvbuf, count, datatype, op), request);
}

int Ireduce_scatter(const void* sendbuf, void* recvbuf, const int recvcounts[], MPI_Datatype datatype, MPI_Op op,
                    MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(
      spanning,
      plan_reduce_scatter({"MPI_Ireduce_scatter", spanning, true}, sendbuf, recvbuf, recvcounts, datatype, op),
      request);
}

int Ireduce_scatter_block(const void* sendbuf, void* recvbuf, int recvcount, MPI_Datatype datatype, MPI_Op op,
                          MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_reduce_scatter_block({"MPI_Ireduce_scatter_block", spanning, true}, sendbuf, recvbuf,
                                                    recvcount, datatype, op),
                          request);
}

int Iscan(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm,
          MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning, plan_scan({"MPI_Iscan", spanning, true}, sendbuf, recvbuf, count, datatype, op),
                          request);
}

int Iexscan(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm,
            MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning, plan_exscan({"MPI_Iexscan", spanning, true}, sendbuf, recvbuf, count, datatype, op),
                          request);
}

}  // namespace sluice::interpose::mediated
