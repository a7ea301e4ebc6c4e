// Neighbourhood collectives on communicators that span subjects (MPI 3.1, section 7.6). They are legal where each edge
// has a flow of its own. All edges of a grid or graph are known to everybody, so the verdict is unanimous. In a
// distributed graph both ends of an edge know it and nobody else: they refuse the call, and tell those who wait for
// them.
#include <utility>

#include "untrusted/interpose/collective/arguments.hpp"
#include "untrusted/interpose/communicator/topology.hpp"

namespace sluice::interpose {

namespace {

/// The arguments of one call, and with whom it exchanges.
class NeighbourCall {
 public:
  explicit NeighbourCall(const Call& call) : comm_(call.comm), arguments_(call) {
    if (shape_of<DistributedGraph>(&comm_) != nullptr) {
      const Lock lock;
      obstacle_ = obstacle_on_edges(comm_);
    } else if (!arguments_.legal_on_edges()) {
      return;
    }
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
  Blocks out_same(const void* buffer, MPI_Count count, MPI_Datatype datatype) {
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
    if (obstacle_.has_value()) return withdraw(from, to);
    return arguments_.plan([from, to](Schedule& schedule) { exchange(schedule, from, to); });
  }

 private:
  /// Those to whom there is a flow get a message that says that there is none, and what they send is taken.
  Plan withdraw(std::vector<Partner> from, std::vector<Partner> to) {
    {
      const Lock lock;
      const SubjectMap& map = subject_map_of(comm_);
      const int own = map.subject_of(comm_.rank);
      std::erase_if(from, [&](const Partner& p) { return !map.flows().direct(map.subject_of(p.rank), own); });
      std::erase_if(to, [&](const Partner& p) { return !map.flows().direct(own, map.subject_of(p.rank)); });
    }
    return arguments_.withdraw(*obstacle_, [from, to](Schedule& schedule) {
      schedule.fail(MPI_ERR_OTHER);
      exchange(schedule, from, to);
    });
  }

  VirtualComm& comm_;
  Arguments arguments_;
  Neighbourhood neighbours_;
  std::optional<Obstacle> obstacle_;  ///< on one of the own edges
};

}  // namespace

Plan plan_neighbor_allgather(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                             void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out_same(sendbuf, sendcount, sendtype);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcount, recvtype));
}

Plan plan_neighbor_allgatherv(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                              void* recvbuf, Numbers recvcounts, Numbers displs, MPI_Datatype recvtype) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out_same(sendbuf, sendcount, sendtype);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcounts, displs, recvtype));
}

Plan plan_neighbor_alltoall(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                            void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out(sendbuf, sendcount, sendtype);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcount, recvtype));
}

Plan plan_neighbor_alltoallv(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls,
                             MPI_Datatype sendtype, void* recvbuf, Numbers recvcounts, Numbers rdispls,
                             MPI_Datatype recvtype) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out(sendbuf, sendcounts, sdispls, sendtype);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcounts, rdispls, recvtype));
}

Plan plan_neighbor_alltoallw(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls,
                             const MPI_Datatype* sendtypes, void* recvbuf, Numbers recvcounts, Numbers rdispls,
                             const MPI_Datatype* recvtypes) {
  NeighbourCall neighbours(call);
  const Blocks out = neighbours.out(sendbuf, sendcounts, sdispls, sendtypes);
  return neighbours.plan(out, neighbours.in(recvbuf, recvcounts, rdispls, recvtypes));
}

}  // namespace sluice::interpose
