// Blocking collectives on communicators that span subjects (MPI 3.1, chapter 5).
#include "mediated.hpp"
#include "untrusted/interpose/collective/running.hpp"

namespace sluice::interpose::mediated {

int Barrier(MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_barrier({"MPI_Barrier", spanning}));
}

int Bcast(void* buffer, int count, MPI_Datatype datatype, int root, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_bcast({"MPI_Bcast", spanning}, buffer, count, datatype, root));
}

int Gather(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
           MPI_Datatype recvtype, int root, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_gather({"MPI_Gather", spanning}, sendbuf, sendcount, sendtype, recvbuf, recvcount,
                                          recvtype, root));
}

int Gatherv(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, const int recvcounts[],
            const int displs[], MPI_Datatype recvtype, int root, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_gatherv({"MPI_Gatherv", spanning}, sendbuf, sendcount, sendtype, recvbuf, recvcounts,
                                           displs, recvtype, root));
}

int Scatter(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
            MPI_Datatype recvtype, int root, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_scatter({"MPI_Scatter", spanning}, sendbuf, sendcount, sendtype, recvbuf, recvcount,
                                           recvtype, root));
}

int Scatterv(const void* sendbuf, const int sendcounts[], const int displs[], MPI_Datatype sendtype, void* recvbuf,
             int recvcount, MPI_Datatype recvtype, int root, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_scatterv({"MPI_Scatterv", spanning}, sendbuf, sendcounts, displs, sendtype, recvbuf,
                                            recvcount, recvtype, root));
}

int Allgather(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
              MPI_Datatype recvtype, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_allgather({"MPI_Allgather", spanning}, sendbuf, sendcount, sendtype, recvbuf,
                                             recvcount, recvtype));
}

int Allgatherv(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, const int recvcounts[],
               const int displs[], MPI_Datatype recvtype, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_allgatherv({"MPI_Allgatherv", spanning}, sendbuf, sendcount, sendtype, recvbuf,
                                              recvcounts, displs, recvtype));
}

int Alltoall(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
             MPI_Datatype recvtype, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(
      spanning, plan_alltoall({"MPI_Alltoall", spanning}, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype));
}

int Alltoallv(const void* sendbuf, const int sendcounts[], const int sdispls[], MPI_Datatype sendtype, void* recvbuf,
              const int recvcounts[], const int rdispls[], MPI_Datatype recvtype, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_alltoallv({"MPI_Alltoallv", spanning}, sendbuf, sendcounts, sdispls, sendtype,
                                             recvbuf, recvcounts, rdispls, recvtype));
}

int Alltoallw(const void* sendbuf, const int sendcounts[], const int sdispls[], const MPI_Datatype sendtypes[],
              void* recvbuf, const int recvcounts[], const int rdispls[], const MPI_Datatype recvtypes[],
              MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_alltoallw({"MPI_Alltoallw", spanning}, sendbuf, sendcounts, sdispls, sendtypes,
                                             recvbuf, recvcounts, rdispls, recvtypes));
}

int Reduce(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, int root, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_reduce({"MPI_Reduce", spanning}, sendbuf, recvbuf, count, datatype, op, root));
}

int Allreduce(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_allreduce({"MPI_Allreduce", spanning}, sendbuf, recvbuf, count, datatype, op));
}

int Reduce_scatter(const void* sendbuf, void* recvbuf, const int recvcounts[], MPI_Datatype datatype, MPI_Op op,
                   MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning,
                    plan_reduce_scatter({"MPI_Reduce_scatter", spanning}, sendbuf, recvbuf, recvcounts, datatype, op));
}

int Reduce_scatter_block(const void* sendbuf, void* recvbuf, int recvcount, MPI_Datatype datatype, MPI_Op op,
                         MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_reduce_scatter_block({"MPI_Reduce_scatter_block", spanning}, sendbuf, recvbuf,
                                                        recvcount, datatype, op));
}

int Scan(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_scan({"MPI_Scan", spanning}, sendbuf, recvbuf, count, datatype, op));
}

int Exscan(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_exscan({"MPI_Exscan", spanning}, sendbuf, recvbuf, count, datatype, op));
}

}  // namespace sluice::interpose::mediated
