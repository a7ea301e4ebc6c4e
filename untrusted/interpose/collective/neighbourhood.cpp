// Neighbourhood collectives on communicators that span subjects (MPI 3.1, section 7.6). A rank may know its own edges
// alone, so that the verdict asks for a flow between any two subjects of the communicator.
#include <utility>

#include "mediated.hpp"
#include "untrusted/interpose/collective/arguments.hpp"
#include "untrusted/interpose/collective/running.hpp"
#include "untrusted/interpose/communicator/topology.hpp"
#include "untrusted/interpose/errors.hpp"

// Open MPI 4.1 has persistent ones as an extension of its own; MPICH 4.0 under the names of the standard.
#ifdef OMPI_MAJOR_VERSION
#define PREFIX(name) X_##name
#define PREFIXED_NAME(name) "MPIX_" name
#else
#define PREFIX(name) name
#define PREFIXED_NAME(name) "MPI_" name
#endif

namespace sluice::interpose {

namespace {

/// The arguments of one call, and with whom it exchanges.
class NeighbourCall {
 public:
  explicit NeighbourCall(const Call& call) : comm_(call.comm), arguments_(call) {
    if (!arguments_.legal_directly()) return;
    if (comm_.topology == nullptr) {
      arguments_.refuse(MPI_ERR_TOPOLOGY);
      return;
    }
    neighbours_ = neighbourhood_of(comm_);
  }

  /// Makes the blocks of a buffer that has one for each destination, or each source.
  template <typename... Values>
  Blocks out(Values... values) {
    arguments_.set_parts(static_cast<int>(neighbours_.destinations.size()));
    return arguments_.blocks(values...);
  }
  template <typename... Values>
  Blocks in(Values... values) {
    arguments_.set_parts(static_cast<int>(neighbours_.sources.size()));
    return arguments_.blocks(values...);
  }
  /// The same block for each destination.
  Blocks out_same(const void* buffer, int count, MPI_Datatype datatype) {
    return Blocks(neighbours_.destinations.size(), arguments_.block(buffer, count, datatype));
  }

  Plan plan(const Blocks& out, const Blocks& in) {
    std::vector<Partner> from;
    std::vector<Partner> to;
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (neighbours_.sources[i] != kNobody) from.push_back({neighbours_.sources[i], in[i]});
    }
    // In a grid the two directions of a dimension may lead to the same rank; what goes up comes from below there.
    const bool grid = shape_of<CartesianGrid>(&comm_) != nullptr;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t next = grid ? i ^ 1U : i;
      if (neighbours_.destinations[next] != kNobody) to.push_back({neighbours_.destinations[next], out[next]});
    }
    return arguments_.plan([from, to](Schedule& schedule) { exchange(schedule, from, to); });
  }

 private:
  VirtualComm& comm_;
  Arguments arguments_;
  Neighbourhood neighbours_;
};

Plan plan_neighbor_allgather(const Call& call, const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf,
                             int recvcount, MPI_Datatype recvtype) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out_same(sendbuf, sendcount, sendtype);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcount, recvtype));
}

Plan plan_neighbor_allgatherv(const Call& call, const void* sendbuf, int sendcount, MPI_Datatype sendtype,
                              void* recvbuf, const int* recvcounts, const int* displs, MPI_Datatype recvtype) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out_same(sendbuf, sendcount, sendtype);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcounts, displs, recvtype));
}

Plan plan_neighbor_alltoall(const Call& call, const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf,
                            int recvcount, MPI_Datatype recvtype) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out(sendbuf, sendcount, sendtype);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcount, recvtype));
}

Plan plan_neighbor_alltoallv(const Call& call, const void* sendbuf, const int* sendcounts, const int* sdispls,
                             MPI_Datatype sendtype, void* recvbuf, const int* recvcounts, const int* rdispls,
                             MPI_Datatype recvtype) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out(sendbuf, sendcounts, sdispls, sendtype);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcounts, rdispls, recvtype));
}

Plan plan_neighbor_alltoallw(const Call& call, const void* sendbuf, const int* sendcounts, const MPI_Aint* sdispls,
                             const MPI_Datatype* sendtypes, void* recvbuf, const int* recvcounts,
                             const MPI_Aint* rdispls, const MPI_Datatype* recvtypes) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out(sendbuf, sendcounts, sdispls, sendtypes);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcounts, rdispls, recvtypes));
}

}  // namespace

namespace mediated {

int Neighbor_allgather(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
                       MPI_Datatype recvtype, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_neighbor_allgather({"MPI_Neighbor_allgather", spanning}, sendbuf, sendcount,
                                                      sendtype, recvbuf, recvcount, recvtype));
}

int Ineighbor_allgather(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
                        MPI_Datatype recvtype, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_neighbor_allgather({"MPI_Ineighbor_allgather", spanning, true}, sendbuf, sendcount,
                                                  sendtype, recvbuf, recvcount, recvtype),
                          request);
}

int PREFIX(Neighbor_allgather_init)(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf,
                                    int recvcount, MPI_Datatype recvtype, MPI_Comm comm, MPI_Info,
                                    MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_neighbor_allgather({PREFIXED_NAME("Neighbor_allgather_init"), spanning, true}, sendbuf,
                                                 sendcount, sendtype, recvbuf, recvcount, recvtype),
                         request);
}

int Neighbor_allgatherv(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf,
                        const int recvcounts[], const int displs[], MPI_Datatype recvtype, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_neighbor_allgatherv({"MPI_Neighbor_allgatherv", spanning}, sendbuf, sendcount,
                                                       sendtype, recvbuf, recvcounts, displs, recvtype));
}

int Ineighbor_allgatherv(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf,
                         const int recvcounts[], const int displs[], MPI_Datatype recvtype, MPI_Comm comm,
                         MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_neighbor_allgatherv({"MPI_Ineighbor_allgatherv", spanning, true}, sendbuf, sendcount,
                                                   sendtype, recvbuf, recvcounts, displs, recvtype),
                          request);
}

int PREFIX(Neighbor_allgatherv_init)(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf,
                                     const int recvcounts[], const int displs[], MPI_Datatype recvtype, MPI_Comm comm,
                                     MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_neighbor_allgatherv({PREFIXED_NAME("Neighbor_allgatherv_init"), spanning, true}, sendbuf,
                                                  sendcount, sendtype, recvbuf, recvcounts, displs, recvtype),
                         request);
}

int Neighbor_alltoall(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
                      MPI_Datatype recvtype, MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_neighbor_alltoall({"MPI_Neighbor_alltoall", spanning}, sendbuf, sendcount, sendtype,
                                                     recvbuf, recvcount, recvtype));
}

int Ineighbor_alltoall(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf, int recvcount,
                       MPI_Datatype recvtype, MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_neighbor_alltoall({"MPI_Ineighbor_alltoall", spanning, true}, sendbuf, sendcount,
                                                 sendtype, recvbuf, recvcount, recvtype),
                          request);
}

int PREFIX(Neighbor_alltoall_init)(const void* sendbuf, int sendcount, MPI_Datatype sendtype, void* recvbuf,
                                   int recvcount, MPI_Datatype recvtype, MPI_Comm comm, MPI_Info,
                                   MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_neighbor_alltoall({PREFIXED_NAME("Neighbor_alltoall_init"), spanning, true}, sendbuf,
                                                sendcount, sendtype, recvbuf, recvcount, recvtype),
                         request);
}

int Neighbor_alltoallv(const void* sendbuf, const int sendcounts[], const int sdispls[], MPI_Datatype sendtype,
                       void* recvbuf, const int recvcounts[], const int rdispls[], MPI_Datatype recvtype,
                       MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_neighbor_alltoallv({"MPI_Neighbor_alltoallv", spanning}, sendbuf, sendcounts,
                                                      sdispls, sendtype, recvbuf, recvcounts, rdispls, recvtype));
}

int Ineighbor_alltoallv(const void* sendbuf, const int sendcounts[], const int sdispls[], MPI_Datatype sendtype,
                        void* recvbuf, const int recvcounts[], const int rdispls[], MPI_Datatype recvtype,
                        MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_neighbor_alltoallv({"MPI_Ineighbor_alltoallv", spanning, true}, sendbuf, sendcounts,
                                                  sdispls, sendtype, recvbuf, recvcounts, rdispls, recvtype),
                          request);
}

int PREFIX(Neighbor_alltoallv_init)(const void* sendbuf, const int sendcounts[], const int sdispls[],
                                    MPI_Datatype sendtype, void* recvbuf, const int recvcounts[], const int rdispls[],
                                    MPI_Datatype recvtype, MPI_Comm comm, MPI_Info, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(spanning,
                         plan_neighbor_alltoallv({PREFIXED_NAME("Neighbor_alltoallv_init"), spanning, true}, sendbuf,
                                                 sendcounts, sdispls, sendtype, recvbuf, recvcounts, rdispls, recvtype),
                         request);
}

int Neighbor_alltoallw(const void* sendbuf, const int sendcounts[], const MPI_Aint sdispls[],
                       const MPI_Datatype sendtypes[], void* recvbuf, const int recvcounts[], const MPI_Aint rdispls[],
                       const MPI_Datatype recvtypes[], MPI_Comm comm) {
  VirtualComm& spanning = *lookup(comm);
  return run_to_end(spanning, plan_neighbor_alltoallw({"MPI_Neighbor_alltoallw", spanning}, sendbuf, sendcounts,
                                                      sdispls, sendtypes, recvbuf, recvcounts, rdispls, recvtypes));
}

int Ineighbor_alltoallw(const void* sendbuf, const int sendcounts[], const MPI_Aint sdispls[],
                        const MPI_Datatype sendtypes[], void* recvbuf, const int recvcounts[], const MPI_Aint rdispls[],
                        const MPI_Datatype recvtypes[], MPI_Comm comm, MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return start_collective(spanning,
                          plan_neighbor_alltoallw({"MPI_Ineighbor_alltoallw", spanning, true}, sendbuf, sendcounts,
                                                  sdispls, sendtypes, recvbuf, recvcounts, rdispls, recvtypes),
                          request);
}

int PREFIX(Neighbor_alltoallw_init)(const void* sendbuf, const int sendcounts[], const MPI_Aint sdispls[],
                                    const MPI_Datatype sendtypes[], void* recvbuf, const int recvcounts[],
                                    const MPI_Aint rdispls[], const MPI_Datatype recvtypes[], MPI_Comm comm, MPI_Info,
                                    MPI_Request* request) {
  VirtualComm& spanning = *lookup(comm);
  return init_collective(
      spanning,
      plan_neighbor_alltoallw({PREFIXED_NAME("Neighbor_alltoallw_init"), spanning, true}, sendbuf, sendcounts, sdispls,
                              sendtypes, recvbuf, recvcounts, rdispls, recvtypes),
      request);
}

}  // namespace mediated

}  // namespace sluice::interpose
