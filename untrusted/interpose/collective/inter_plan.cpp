#include "untrusted/interpose/collective/inter_plan.hpp"

#include <utility>

#include "untrusted/interpose/collective/arguments.hpp"

namespace sluice::interpose::inter {

namespace {

/// The first rank of a group takes what comes for all of the group, and hands it on.
constexpr int kFirst = 0;

int local_size(const VirtualComm& comm) { return static_cast<int>(comm.local_group.size()); }

/// A collective with a root: the root is the last of its participants (root_and_others), and all others are of the
/// other group. The other ranks of the root's group, which say MPI_PROC_NULL, do nothing.
class RootedCall {
 public:
  RootedCall(const Call& call, Relation relation, int root) : arguments(call), comm_(call.comm) {
    const bool here = root == MPI_ROOT || root == MPI_PROC_NULL;
    if (!here && (root < 0 || root >= comm_.size)) {
      arguments.refuse(MPI_ERR_ROOT);
      return;
    }
    arguments.legal_between(relation, here);
    is_root_ = root == MPI_ROOT;
    takes_part_ = root != MPI_PROC_NULL;
    if (takes_part_) root_ = is_root_ ? layer.world_rank : comm_.world_rank[static_cast<std::size_t>(root)];
  }

  [[nodiscard]] bool is_root() const noexcept { return is_root_; }
  [[nodiscard]] bool is_other() const noexcept { return takes_part_ && !is_root_; }
  [[nodiscard]] bool takes_part() const noexcept { return takes_part_; }

  /// What the root has of each rank of the other group, or nothing; with an empty part for the root itself.
  template <typename... Values>
  Blocks parts(Values... values) {
    if (!is_root_) return {};
    Blocks made = arguments.blocks(values...);
    made.emplace_back();
    return made;
  }
  /// What a rank of the other group has.
  Block part(const void* buffer, std::int64_t count, MPI_Datatype datatype) {
    if (!is_other()) return {};
    return arguments.block(buffer, count, datatype);
  }

  /// `build(schedule, root)` makes the steps of those that take part.
  template <typename Build>
  Plan plan(Build build) {
    if (!takes_part_) return arguments.plan([](Schedule&) {});
    return arguments.plan([comm = &comm_, root = root_, build = std::move(build)](Schedule& schedule) {
      schedule.among(root_and_others(*comm, root));
      build(schedule, schedule.size() - 1);
    });
  }

  Arguments arguments;

 private:
  VirtualComm& comm_;
  std::int32_t root_ = 0;  ///< world rank
  bool is_root_ = false;
  bool takes_part_ = false;
};

/// Refuses MPI_IN_PLACE.
void refuse_in_place(Arguments& arguments, const void* sendbuf, const void* recvbuf) {
  if (sendbuf == MPI_IN_PLACE || recvbuf == MPI_IN_PLACE) arguments.refuse(MPI_ERR_BUFFER);
}

/// Each group sends to the first rank of the other one: `step(sends, root)`. Every rank makes both steps in the same
/// order. After it, steps are those of the local group.
template <typename Step>
void cross_both_ways(Schedule& schedule, VirtualComm& comm, Step&& step) {
  for (const bool local_sends : {comes_first(comm), !comes_first(comm)}) {
    if (!local_sends && comm.rank != kFirst) continue;
    schedule.among(root_and_others(comm, (local_sends ? comm.world_rank : comm.local_group)[kFirst]));
    step(local_sends, schedule.size() - 1);
  }
  schedule.among(group_alone(comm, true));
}

Sizes equal_sizes(const Schedule& schedule, std::uint64_t bytes) {
  return Sizes(static_cast<std::size_t>(schedule.size()), bytes);
}

/// `equal`: all ranks of a group have the same number of bytes.
Plan plan_all(Arguments& arguments, VirtualComm& comm, bool equal, const Block& mine, Blocks parts) {
  return arguments.plan([comm = &comm, equal, mine, parts = std::move(parts)](Schedule& schedule) {
    const Blocks together = side_by_side(schedule, parts);
    cross_both_ways(schedule, *comm, [&](bool sends, int root) {
      const std::byte* bytes = sends ? packed(schedule, mine) : nullptr;
      const std::uint64_t size = sends ? mine.bytes() : 0;
      Blocks places = sends ? Blocks{} : together;
      places.emplace_back();
      if (!equal) return gather_unknown(schedule, root, bytes, size, places);
      gather(schedule, root, bytes, equal_sizes(schedule, sends ? size : parts.front().bytes()), places);
    });
    spread(schedule, kFirst, together, parts);
  });
}

/// Blocks of the remote group, at the places of its ranks among everyone.
Blocks among_everyone(const VirtualComm& comm, const Blocks& remote) {
  const Blocks nothing(static_cast<std::size_t>(local_size(comm)), bytes_block(nullptr, 0));
  const bool first = comes_first(comm);
  Blocks all = first ? nothing : remote;
  const Blocks& rest = first ? remote : nothing;
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

void exchange_directly(Schedule& schedule, const VirtualComm& comm, const Blocks& out, const Blocks& in) {
  const int first = comes_first(comm) ? local_size(comm) : 0;  // of the remote group, among everyone
  std::vector<Partner> from;
  std::vector<Partner> to;
  // Each rank begins with another partner.
  for (int i = 0; i < comm.size; ++i) {
    const int peer = (comm.rank + i) % comm.size;
    from.push_back({first + peer, in[static_cast<std::size_t>(peer)]});
    to.push_back({first + peer, out[static_cast<std::size_t>(peer)]});
  }
  exchange(schedule, from, to);
}

Plan plan_exchange(Arguments& arguments, VirtualComm& comm, Blocks out, Blocks in) {
  return arguments.plan([comm = &comm, out = std::move(out), in = std::move(in)](Schedule& schedule) {
    if (schedule.map().flows().complete()) return exchange_directly(schedule, *comm, out, in);
    alltoall(schedule, among_everyone(*comm, out), among_everyone(*comm, in));
  });
}

Plan plan_scattered(Arguments& arguments, VirtualComm& comm, const Reduction& reduction,
                    std::vector<std::int64_t> counts, const Block& result) {
  return arguments.plan([comm = &comm, reduction, counts = std::move(counts), result](Schedule& schedule) {
    const Block whole = comm->rank == kFirst ? like(schedule, reduction.operand) : Block{};
    cross_both_ways(schedule, *comm, [&](bool sends, int root) {
      reduce(schedule, root, {reduction.op, reduction.commutes, reduction.operand, root}, sends ? Block{} : whole);
    });
    scatter_parts(schedule, kFirst, whole, counts, result);
  });
}

}  // namespace

Plan plan_barrier(const Call& call) {
  Arguments arguments(call);
  arguments.legal_between(Relation::everyone);
  return arguments.plan(barrier);
}

Plan plan_bcast(const Call& call, void* buffer, MPI_Count count, MPI_Datatype type, int root) {
  RootedCall rooted(call, Relation::from_root, root);
  const Block block = rooted.takes_part() ? rooted.arguments.block(buffer, count, type) : Block{};
  return rooted.plan([block](Schedule& schedule, int last) { broadcast(schedule, last, block); });
}

Plan plan_gather(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                 MPI_Count recvcount, MPI_Datatype recvtype, int root) {
  RootedCall rooted(call, Relation::to_root, root);
  const Block mine = rooted.part(sendbuf, sendcount, sendtype);
  const Blocks parts = rooted.parts(recvbuf, recvcount, recvtype);
  return rooted.plan([=, is_root = rooted.is_root()](Schedule& schedule, int last) {
    const std::uint64_t bytes = is_root ? parts.front().bytes() : mine.bytes();
    gather(schedule, last, is_root ? nullptr : packed(schedule, mine), equal_sizes(schedule, bytes), parts);
  });
}

Plan plan_gatherv(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                  Numbers recvcounts, Numbers displs, MPI_Datatype recvtype, int root) {
  RootedCall rooted(call, Relation::to_root, root);
  const Block mine = rooted.part(sendbuf, sendcount, sendtype);
  const Blocks parts = rooted.parts(recvbuf, recvcounts, displs, recvtype);
  return rooted.plan([=, is_root = rooted.is_root()](Schedule& schedule, int last) {
    const std::byte* bytes = is_root ? nullptr : packed(schedule, mine);
    gather_unknown(schedule, last, bytes, mine.bytes(), parts);
  });
}

Plan plan_scatter(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                  MPI_Count recvcount, MPI_Datatype recvtype, int root) {
  RootedCall rooted(call, Relation::from_root, root);
  const Block mine = rooted.part(recvbuf, recvcount, recvtype);
  const Blocks parts = rooted.parts(sendbuf, sendcount, sendtype);
  return rooted.plan([=, is_root = rooted.is_root()](Schedule& schedule, int last) {
    const std::uint64_t bytes = is_root ? parts.front().bytes() : mine.bytes();
    scatter(schedule, last, parts, equal_sizes(schedule, bytes), mine);
  });
}

Plan plan_scatterv(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers displs, MPI_Datatype sendtype,
                   void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype, int root) {
  RootedCall rooted(call, Relation::from_root, root);
  const Block mine = rooted.part(recvbuf, recvcount, recvtype);
  const Blocks parts = rooted.parts(sendbuf, sendcounts, displs, sendtype);
  return rooted.plan([=](Schedule& schedule, int last) { scatter_unknown(schedule, last, parts, mine); });
}

Plan plan_allgather(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                    MPI_Count recvcount, MPI_Datatype recvtype) {
  Arguments arguments(call);
  arguments.legal_between(Relation::everyone);
  refuse_in_place(arguments, sendbuf, recvbuf);
  const Block mine = arguments.block(sendbuf, sendcount, sendtype);
  return plan_all(arguments, call.comm, true, mine, arguments.blocks(recvbuf, recvcount, recvtype));
}

Plan plan_allgatherv(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                     Numbers recvcounts, Numbers displs, MPI_Datatype recvtype) {
  Arguments arguments(call);
  arguments.legal_between(Relation::everyone);
  refuse_in_place(arguments, sendbuf, recvbuf);
  const Block mine = arguments.block(sendbuf, sendcount, sendtype);
  return plan_all(arguments, call.comm, false, mine, arguments.blocks(recvbuf, recvcounts, displs, recvtype));
}

Plan plan_alltoall(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                   MPI_Count recvcount, MPI_Datatype recvtype) {
  Arguments arguments(call);
  arguments.legal_between(Relation::everyone);
  refuse_in_place(arguments, sendbuf, recvbuf);
  Blocks out = arguments.blocks(sendbuf, sendcount, sendtype);
  Blocks in = arguments.blocks(recvbuf, recvcount, recvtype);
  return plan_exchange(arguments, call.comm, std::move(out), std::move(in));
}

Plan plan_alltoallv(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls, MPI_Datatype sendtype,
                    void* recvbuf, Numbers recvcounts, Numbers rdispls, MPI_Datatype recvtype) {
  Arguments arguments(call);
  arguments.legal_between(Relation::everyone);
  refuse_in_place(arguments, sendbuf, recvbuf);
  Blocks out = arguments.blocks(sendbuf, sendcounts, sdispls, sendtype);
  Blocks in = arguments.blocks(recvbuf, recvcounts, rdispls, recvtype);
  return plan_exchange(arguments, call.comm, std::move(out), std::move(in));
}

Plan plan_alltoallw(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls,
                    const MPI_Datatype* sendtypes, void* recvbuf, Numbers recvcounts, Numbers rdispls,
                    const MPI_Datatype* recvtypes) {
  Arguments arguments(call);
  arguments.legal_between(Relation::everyone);
  refuse_in_place(arguments, sendbuf, recvbuf);
  Blocks out = arguments.blocks(sendbuf, sendcounts, sdispls, sendtypes);
  Blocks in = arguments.blocks(recvbuf, recvcounts, rdispls, recvtypes);
  return plan_exchange(arguments, call.comm, std::move(out), std::move(in));
}

Plan plan_reduce(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type, MPI_Op op,
                 int root) {
  RootedCall rooted(call, Relation::to_root, root);
  if (!rooted.takes_part()) return rooted.plan([](Schedule&, int) {});
  const void* buffer = rooted.is_root() ? recvbuf : sendbuf;
  const Reduction reduction = rooted.arguments.reduction(buffer, count, type, op);
  return rooted.plan([reduction, is_root = rooted.is_root()](Schedule& schedule, int last) {
    reduce(schedule, last, {reduction.op, reduction.commutes, reduction.operand, last},
           is_root ? reduction.operand : Block{});
  });
}

Plan plan_allreduce(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type,
                    MPI_Op op) {
  Arguments arguments(call);
  arguments.legal_between(Relation::everyone);
  refuse_in_place(arguments, sendbuf, recvbuf);
  const Reduction reduction = arguments.reduction(sendbuf, count, type, op);
  const Block result = arguments.block(recvbuf, count, type);
  return arguments.plan([comm = &call.comm, reduction, result](Schedule& schedule) {
    cross_both_ways(schedule, *comm, [&](bool sends, int root) {
      reduce(schedule, root, {reduction.op, reduction.commutes, reduction.operand, root}, sends ? Block{} : result);
    });
    broadcast(schedule, kFirst, result);
  });
}

Plan plan_reduce_scatter(const Call& call, const void* sendbuf, void* recvbuf, Numbers recvcounts, MPI_Datatype type,
                         MPI_Op op) {
  Arguments arguments(call);
  arguments.legal_between(Relation::everyone);
  refuse_in_place(arguments, sendbuf, recvbuf);
  arguments.set_parts(local_size(call.comm));
  std::vector<std::int64_t> counts;
  std::int64_t total = 0;
  for (const Block& part : arguments.blocks(sendbuf, recvcounts, nullptr, type)) {
    counts.push_back(part.count);
    total += part.count;
  }
  const Reduction reduction = arguments.reduction(sendbuf, total, type, op);
  const std::int64_t own = counts.empty() ? 0 : counts[static_cast<std::size_t>(call.comm.rank)];
  return plan_scattered(arguments, call.comm, reduction, std::move(counts), arguments.block(recvbuf, own, type));
}

Plan plan_reduce_scatter_block(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count recvcount,
                               MPI_Datatype type, MPI_Op op) {
  Arguments arguments(call);
  arguments.legal_between(Relation::everyone);
  refuse_in_place(arguments, sendbuf, recvbuf);
  const int ranks = local_size(call.comm);
  const Block result = arguments.block(recvbuf, recvcount, type);
  const std::int64_t total = arguments.good() ? recvcount * ranks : 0;
  const Reduction reduction = arguments.reduction(sendbuf, total, type, op);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(ranks), recvcount);
  return plan_scattered(arguments, call.comm, reduction, std::move(counts), result);
}

}  // namespace sluice::interpose::inter
