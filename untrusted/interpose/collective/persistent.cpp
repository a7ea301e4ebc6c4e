// Persistent collectives on communicators that span subjects (MPI 4.0, section 6.13).
#include "mediated.hpp"
#include "untrusted/interpose/collective/running.hpp"

// Open MPI 4.1 has them as an extension of its own; MPICH 4.0 under the names of the standard.
#ifdef OMPI_MAJOR_VERSION
#define PREFIX(name) X_##name
#define PREFIXED_NAME(name) "MPIX_" name
#else
#define PREFIX(name) name
#define PREFIXED_NAME(name) "MPI_" name
#endif

namespace sluice::interpose::mediated {

int PREFIX(Barrier_init)(MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning, plan_barrier({PREFIXED_NAME("Barrier_init"), spanning, true}), request);
}

int PREFIX(Bcast_init)(void* buffer, int count, MPI_Datatype datatype, int root, MPI_Comm comm, MPI_Info,
                       MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(
      spanning, plan_bcast({PREFIXED_NAME("Bcast_init"), spanning, true}, buffer, count, datatype, root), request);
}

int PREFIX(Gather_init)(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
                        MPI_Datatype recvtype, int root, MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_gather({PREFIXED_NAME("Gather_init"), spanning, true}, sendbuf, sendcount, sendtype,
                                     recvbuf, recvcount, recvtype, root),
                         request);
}

int PREFIX(Gatherv_init)(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf,
                         const int recvcounts[], const int displs[], MPI_Datatype recvtype, int root, MPI_Comm comm,
                         MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_gatherv({PREFIXED_NAME("Gatherv_init"), spanning, true}, sendbuf, sendcount, sendtype,
                                      recvbuf, recvcounts, displs, recvtype, root),
                         request);
}

int PREFIX(Scatter_init)(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
                         MPI_Datatype recvtype, int root, MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_scatter({PREFIXED_NAME("Scatter_init"), spanning, true}, sendbuf, sendcount, sendtype,
                                      recvbuf, recvcount, recvtype, root),
                         request);
}

int PREFIX(Scatterv_init)(const void* sendbuf, const int sendcounts[], const int displs[], MPI_Datatype sendtype,
                          void* recvbuf, int recvcount, MPI_Datatype recvtype, int root, MPI_Comm comm, MPI_Info,
                          MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_scatterv({PREFIXED_NAME("Scatterv_init"), spanning, true}, sendbuf, sendcounts, displs,
                                       sendtype, recvbuf, recvcount, recvtype, root),
                         request);
}

int PREFIX(Allgather_init)(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
                           MPI_Datatype recvtype, MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_allgather({PREFIXED_NAME("Allgather_init"), spanning, true}, sendbuf, sendcount, sendtype,
                                        recvbuf, recvcount, recvtype),
                         request);
}

int PREFIX(Allgatherv_init)(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf,
                            const int recvcounts[], const int displs[], MPI_Datatype recvtype, MPI_Comm comm, MPI_Info,
                            MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_allgatherv({PREFIXED_NAME("Allgatherv_init"), spanning, true}, sendbuf, sendcount,
                                         sendtype, recvbuf, recvcounts, displs, recvtype),
                         request);
}

int PREFIX(Alltoall_init)(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
                          MPI_Datatype recvtype, MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_alltoall({PREFIXED_NAME("Alltoall_init"), spanning, true}, sendbuf, sendcount, sendtype,
                                       recvbuf, recvcount, recvtype),
                         request);
}

int PREFIX(Alltoallv_init)(const void* sendbuf, const int sendcounts[], const int sdispls[], MPI_Datatype sendtype,
                           void* recvbuf, const int recvcounts[], const int rdispls[], MPI_Datatype recvtype,
                           MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_alltoallv({PREFIXED_NAME("Alltoallv_init"), spanning, true}, sendbuf, sendcounts, sdispls,
                                        sendtype, recvbuf, recvcounts, rdispls, recvtype),
                         request);
}

int PREFIX(Alltoallw_init)(const void* sendbuf, const int sendcounts[], const int sdispls[],
                           const MPI_Datatype sendtypes[], void* recvbuf, const int recvcounts[], const int rdispls[],
                           const MPI_Datatype recvtypes[], MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_alltoallw({PREFIXED_NAME("Alltoallw_init"), spanning, true}, sendbuf, sendcounts, sdispls,
                                        sendtypes, recvbuf, recvcounts, rdispls, recvtypes),
                         request);
}

int PREFIX(Reduce_init)(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, int root,
                        MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(
      spanning,
      plan_reduce({PREFIXED_NAME("Reduce_init"), spanning, true}, sendbuf, recvbuf, count, datatype, op, root),
      request);
}

int PREFIX(Allreduce_init)(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op,
                           MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(
      spanning,
      plan_allreduce({PREFIXED_NAME("Allreduce_init"), spanning, true}, sendbuf, recvbuf, count, datatype, op),
      request);
}

int PREFIX(Reduce_scatter_init)(const void* sendbuf, void* recvbuf, const int recvcounts[], MPI_Datatype datatype,
                                MPI_Op op, MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_reduce_scatter({PREFIXED_NAME("Reduce_scatter_init"), spanning, true}, sendbuf, recvbuf,
                                             recvcounts, datatype, op),
                         request);
}

int PREFIX(Reduce_scatter_block_init)(const void* sendbuf, void* recvbuf, int recvcount, MPI_Datatype datatype,
                                      MPI_Op op, MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_reduce_scatter_block({PREFIXED_NAME("Reduce_scatter_block_init"), spanning, true},
                                                   sendbuf, recvbuf, recvcount, datatype, op),
                         request);
}

int PREFIX(Scan_init)(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm,
                      MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_scan({PREFIXED_NAME("Scan_init"), spanning, true}, sendbuf, recvbuf, count, datatype, op),
                         request);
}

int PREFIX(Exscan_init)(const void* sendbuf, void* recvbuf, int count, MPI_Datatype datatype, MPI_Op op, MPI_Comm comm,
                        MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(
      spanning, plan_exscan({PREFIXED_NAME("Exscan_init"), spanning, true}, sendbuf, recvbuf, count, datatype, op),
      request);
}

}  // namespace sluice::interpose::mediated
