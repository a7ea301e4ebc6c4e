#include "untrusted/interpose/collective/plan.hpp"

#include <utility>

#include "untrusted/interpose/collective/arguments.hpp"
#include "untrusted/interpose/collective/inter_plan.hpp"

namespace sluice::interpose {

namespace {

bool in_place(const void* buffer) { return buffer == MPI_IN_PLACE; }

/// A copy of blocks whose memory will be received into meanwhile.
Blocks copies_of(Schedule& schedule, const Blocks& blocks) {
  Blocks copies;
  for (const Block& block : blocks) {
    copies.push_back(like(schedule, block));
    copy_block(schedule, block, copies.back());
  }
  return copies;
}

/// The root's own part of what it gathers or scatters.
void copy_own(Schedule& schedule, bool moves, const Block& from, const Block& to) {
  if (moves && !schedule.failed()) copy_block(schedule, from, to);
}

Plan plan_exchange(Arguments& arguments, bool stays, Blocks out, Blocks in) {
  return arguments.plan([stays, out = std::move(out), in = std::move(in)](Schedule& schedule) {
    alltoall(schedule, stays ? copies_of(schedule, in) : out, in);
  });
}

Plan plan_all(Arguments& arguments, bool stays, const Block& mine, Blocks parts) {
  return arguments.plan([stays, mine, parts = std::move(parts)](Schedule& schedule) {
    allgather(schedule, stays ? nullptr : packed(schedule, mine), parts);
  });
}

Plan plan_prefix(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type, MPI_Op op,
                 bool inclusive) {
  Arguments arguments(call);
  arguments.legal(Relation::ascending);
  const Reduction reduction = arguments.reduction(in_place(sendbuf) ? recvbuf : sendbuf, count, type, op);
  const Block result = arguments.block(recvbuf, count, type);
  return arguments.plan([=](Schedule& schedule) { scan(schedule, reduction, result, inclusive); });
}

Plan plan_scattered(Arguments& arguments, const Reduction& reduction, std::vector<std::int64_t> counts,
                    const Block& result) {
  return arguments.plan([reduction, counts = std::move(counts), result](Schedule& schedule) {
    reduce_scatter(schedule, reduction, counts, result);
  });
}

}  // namespace

Plan plan_barrier(const Call& call) {
  if (call.comm.is_inter()) return inter::plan_barrier(call);
  Arguments arguments(call);
  arguments.legal(Relation::everyone);
  return arguments.plan(barrier);
}

Plan plan_bcast(const Call& call, void* buffer, MPI_Count count, MPI_Datatype type, int root) {
  if (call.comm.is_inter()) return inter::plan_bcast(call, buffer, count, type, root);
  Arguments arguments(call);
  arguments.legal(Relation::from_root, root);
  const Block block = arguments.block(buffer, count, type);
  return arguments.plan([=](Schedule& schedule) { broadcast(schedule, root, block); });
}

Plan plan_gather(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                 MPI_Count recvcount, MPI_Datatype recvtype, int root) {
  if (call.comm.is_inter())
    return inter::plan_gather(call, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root);
  Arguments arguments(call);
  arguments.legal(Relation::to_root, root);
  const bool is_root = arguments.is_root(root);
  const bool moves = !is_root || !in_place(sendbuf);
  const Block mine = moves ? arguments.block(sendbuf, sendcount, sendtype) : Block{};
  Blocks parts = is_root ? arguments.blocks(recvbuf, recvcount, recvtype) : Blocks{};
  return arguments.plan([=, size = arguments.size(), parts = std::move(parts)](Schedule& schedule) {
    const std::uint64_t bytes = is_root ? parts.front().bytes() : mine.bytes();
    if (is_root) copy_own(schedule, moves, mine, parts[static_cast<std::size_t>(root)]);
    gather(schedule, root, is_root ? nullptr : packed(schedule, mine), Sizes(static_cast<std::size_t>(size), bytes),
           parts);
  });
}

Plan plan_gatherv(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                  Numbers recvcounts, Numbers displs, MPI_Datatype recvtype, int root) {
  if (call.comm.is_inter())
    return inter::plan_gatherv(call, sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs, recvtype, root);
  Arguments arguments(call);
  arguments.legal(Relation::to_root, root);
  const bool is_root = arguments.is_root(root);
  const bool moves = !is_root || !in_place(sendbuf);
  const Block mine = moves ? arguments.block(sendbuf, sendcount, sendtype) : Block{};
  Blocks parts = is_root ? arguments.blocks(recvbuf, recvcounts, displs, recvtype) : Blocks{};
  return arguments.plan([=, parts = std::move(parts)](Schedule& schedule) {
    if (is_root) copy_own(schedule, moves, mine, parts[static_cast<std::size_t>(root)]);
    const std::byte* bytes = is_root ? nullptr : packed(schedule, mine);
    gather_unknown(schedule, root, bytes, mine.bytes(), parts);
  });
}

Plan plan_scatter(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                  MPI_Count recvcount, MPI_Datatype recvtype, int root) {
  if (call.comm.is_inter())
    return inter::plan_scatter(call, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype, root);
  Arguments arguments(call);
  arguments.legal(Relation::from_root, root);
  const bool is_root = arguments.is_root(root);
  const bool moves = !is_root || !in_place(recvbuf);
  const Block mine = moves ? arguments.block(recvbuf, recvcount, recvtype) : Block{};
  Blocks parts = is_root ? arguments.blocks(sendbuf, sendcount, sendtype) : Blocks{};
  return arguments.plan([=, size = arguments.size(), parts = std::move(parts)](Schedule& schedule) {
    const std::uint64_t bytes = is_root ? parts.front().bytes() : mine.bytes();
    if (is_root) copy_own(schedule, moves, parts[static_cast<std::size_t>(root)], mine);
    scatter(schedule, root, parts, Sizes(static_cast<std::size_t>(size), bytes), mine);
  });
}

Plan plan_scatterv(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers displs, MPI_Datatype sendtype,
                   void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype, int root) {
  if (call.comm.is_inter())
    return inter::plan_scatterv(call, sendbuf, sendcounts, displs, sendtype, recvbuf, recvcount, recvtype, root);
  Arguments arguments(call);
  arguments.legal(Relation::from_root, root);
  const bool is_root = arguments.is_root(root);
  const bool moves = !is_root || !in_place(recvbuf);
  const Block mine = moves ? arguments.block(recvbuf, recvcount, recvtype) : Block{};
  Blocks parts = is_root ? arguments.blocks(sendbuf, sendcounts, displs, sendtype) : Blocks{};
  return arguments.plan([=, parts = std::move(parts)](Schedule& schedule) {
    if (is_root) copy_own(schedule, moves, parts[static_cast<std::size_t>(root)], mine);
    scatter_unknown(schedule, root, parts, mine);
  });
}

Plan plan_allgather(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                    MPI_Count recvcount, MPI_Datatype recvtype) {
  if (call.comm.is_inter())
    return inter::plan_allgather(call, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype);
  Arguments arguments(call);
  arguments.legal(Relation::everyone);
  const bool stays = in_place(sendbuf);
  const Block mine = stays ? Block{} : arguments.block(sendbuf, sendcount, sendtype);
  return plan_all(arguments, stays, mine, arguments.blocks(recvbuf, recvcount, recvtype));
}

Plan plan_allgatherv(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                     Numbers recvcounts, Numbers displs, MPI_Datatype recvtype) {
  if (call.comm.is_inter())
    return inter::plan_allgatherv(call, sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs, recvtype);
  Arguments arguments(call);
  arguments.legal(Relation::everyone);
  const bool stays = in_place(sendbuf);
  const Block mine = stays ? Block{} : arguments.block(sendbuf, sendcount, sendtype);
  return plan_all(arguments, stays, mine, arguments.blocks(recvbuf, recvcounts, displs, recvtype));
}

Plan plan_alltoall(const Call& call, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, void* recvbuf,
                   MPI_Count recvcount, MPI_Datatype recvtype) {
  if (call.comm.is_inter())
    return inter::plan_alltoall(call, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype);
  Arguments arguments(call);
  arguments.legal(Relation::everyone);
  const bool stays = in_place(sendbuf);
  Blocks out = stays ? Blocks{} : arguments.blocks(sendbuf, sendcount, sendtype);
  Blocks in = arguments.blocks(recvbuf, recvcount, recvtype);
  return plan_exchange(arguments, stays, std::move(out), std::move(in));
}

Plan plan_alltoallv(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls, MPI_Datatype sendtype,
                    void* recvbuf, Numbers recvcounts, Numbers rdispls, MPI_Datatype recvtype) {
  if (call.comm.is_inter())
    return inter::plan_alltoallv(call, sendbuf, sendcounts, sdispls, sendtype, recvbuf, recvcounts, rdispls, recvtype);
  Arguments arguments(call);
  arguments.legal(Relation::everyone);
  const bool stays = in_place(sendbuf);
  Blocks out = stays ? Blocks{} : arguments.blocks(sendbuf, sendcounts, sdispls, sendtype);
  Blocks in = arguments.blocks(recvbuf, recvcounts, rdispls, recvtype);
  return plan_exchange(arguments, stays, std::move(out), std::move(in));
}

Plan plan_alltoallw(const Call& call, const void* sendbuf, Numbers sendcounts, Numbers sdispls,
                    const MPI_Datatype* sendtypes, void* recvbuf, Numbers recvcounts, Numbers rdispls,
                    const MPI_Datatype* recvtypes) {
  if (call.comm.is_inter())
    return inter::plan_alltoallw(call, sendbuf, sendcounts, sdispls, sendtypes, recvbuf, recvcounts, rdispls,
                                 recvtypes);
  Arguments arguments(call);
  arguments.legal(Relation::everyone);
  const bool stays = in_place(sendbuf);
  Blocks out = stays ? Blocks{} : arguments.blocks(sendbuf, sendcounts, sdispls, sendtypes);
  Blocks in = arguments.blocks(recvbuf, recvcounts, rdispls, recvtypes);
  return plan_exchange(arguments, stays, std::move(out), std::move(in));
}

Plan plan_reduce(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type, MPI_Op op,
                 int root) {
  if (call.comm.is_inter()) return inter::plan_reduce(call, sendbuf, recvbuf, count, type, op, root);
  Arguments arguments(call);
  arguments.legal(Relation::to_root, root);
  const bool is_root = arguments.is_root(root);
  const void* operand = is_root && in_place(sendbuf) ? recvbuf : sendbuf;
  const Reduction reduction = arguments.reduction(operand, count, type, op);
  const Block result = is_root ? arguments.block(recvbuf, count, type) : Block{};
  return arguments.plan([=](Schedule& schedule) { reduce(schedule, root, reduction, result); });
}

Plan plan_allreduce(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type,
                    MPI_Op op) {
  if (call.comm.is_inter()) return inter::plan_allreduce(call, sendbuf, recvbuf, count, type, op);
  Arguments arguments(call);
  arguments.legal(Relation::everyone);
  const Reduction reduction = arguments.reduction(in_place(sendbuf) ? recvbuf : sendbuf, count, type, op);
  const Block result = arguments.block(recvbuf, count, type);
  return arguments.plan([=](Schedule& schedule) { allreduce(schedule, reduction, result); });
}

Plan plan_reduce_scatter(const Call& call, const void* sendbuf, void* recvbuf, Numbers recvcounts, MPI_Datatype type,
                         MPI_Op op) {
  if (call.comm.is_inter()) return inter::plan_reduce_scatter(call, sendbuf, recvbuf, recvcounts, type, op);
  Arguments arguments(call);
  arguments.legal(Relation::everyone);
  const void* operand = in_place(sendbuf) ? recvbuf : sendbuf;
  std::vector<std::int64_t> counts;
  std::int64_t total = 0;
  for (const Block& part : arguments.blocks(operand, recvcounts, nullptr, type)) {
    counts.push_back(part.count);
    total += part.count;
  }
  const Reduction reduction = arguments.reduction(operand, total, type, op);
  const std::int64_t own = counts.empty() ? 0 : counts[static_cast<std::size_t>(call.comm.rank)];
  return plan_scattered(arguments, reduction, std::move(counts), arguments.block(recvbuf, own, type));
}

Plan plan_reduce_scatter_block(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count recvcount,
                               MPI_Datatype type, MPI_Op op) {
  if (call.comm.is_inter()) return inter::plan_reduce_scatter_block(call, sendbuf, recvbuf, recvcount, type, op);
  Arguments arguments(call);
  arguments.legal(Relation::everyone);
  const void* operand = in_place(sendbuf) ? recvbuf : sendbuf;
  const Block result = arguments.block(recvbuf, recvcount, type);
  const std::int64_t total = arguments.good() ? recvcount * arguments.size() : 0;
  const Reduction reduction = arguments.reduction(operand, total, type, op);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(arguments.size()), recvcount);
  return plan_scattered(arguments, reduction, std::move(counts), result);
}

Plan plan_scan(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type, MPI_Op op) {
  return plan_prefix(call, sendbuf, recvbuf, count, type, op, true);
}

Plan plan_exscan(const Call& call, const void* sendbuf, void* recvbuf, MPI_Count count, MPI_Datatype type, MPI_Op op) {
  return plan_prefix(call, sendbuf, recvbuf, count, type, op, false);
}

}  // namespace sluice::interpose
