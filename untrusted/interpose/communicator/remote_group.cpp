#include "untrusted/interpose/communicator/remote_group.hpp"

#include <algorithm>
#include <numeric>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/group.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

constexpr char kName[] = "MPI_Intercomm_create";

/// What a leader tells the other one of its group, before the group's members.
struct Offer {
  std::int32_t size = 0;
  std::int32_t leader = 0;   ///< world rank
  std::uint64_t number = 0;  ///< of the intercommunicators that this leader has made
};

/// One leader's side.
struct Side {
  Offer offer;
  RankList group;
};

/// Whether a list that came from elsewhere is one of different world ranks, none of them in `own`.
bool is_plausible(const RankList& theirs, const RankList& own) {
  RankList sorted = theirs;
  std::sort(sorted.begin(), sorted.end());
  return !sorted.empty() && sorted.front() >= 0 && sorted.back() < layer.world_size &&
         std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() && intersect(theirs, own).empty();
}

/// The same at both leaders, and different for each pair of calls.
std::uint64_t agree_on_context(const Side& own, const Side& other) {
  const auto half = [](const Side& side) {
    return derive_context(static_cast<std::uint64_t>(side.offer.leader), side.offer.number, digest(side.group));
  };
  const std::uint64_t mine = half(own);
  const std::uint64_t theirs = half(other);
  return own.offer.leader < other.offer.leader ? derive_context(mine, theirs, 0) : derive_context(theirs, mine, 0);
}

/// The same where only `low` tells: it follows from what both know then.
std::uint64_t one_way_context(const CreateCall& call, const Side& low, const Side& high) {
  const std::uint64_t leaders = (static_cast<std::uint64_t>(low.offer.leader) << 32U) |
                                static_cast<std::uint64_t>(static_cast<std::uint32_t>(high.offer.leader));
  const VirtualComm* peers = lookup(call.peer_comm);
  const std::uint64_t over = peers != nullptr ? peers->context : 0;
  const std::uint64_t family = derive_context(over, leaders, static_cast<std::uint64_t>(call.tag));
  return derive_context(family, low.offer.number, derive_context(digest(low.group), digest(high.group), 0));
}

/// World rank of the remote leader, or -1 if `peer_comm` has no such rank or is no intracommunicator.
std::int32_t remote_leader_of(const CreateCall& call) {
  int inter = 0;
  if (mediated::Comm_test_inter(call.peer_comm, &inter) != MPI_SUCCESS || inter != 0) return -1;
  RankList peers;
  const int error = group_of(call.peer_comm, peers);
  const auto rank = static_cast<std::size_t>(call.remote_leader);
  return error == MPI_SUCCESS && call.remote_leader >= 0 && rank < peers.size() ? peers[rank] : -1;
}

/// All ranks of a subject.
RankList ranks_of(std::uint32_t subject) {
  const wire::SubjectEntry& entry = layer.session.table.subject(subject);
  RankList ranks(entry.rank_count);
  std::iota(ranks.begin(), ranks.end(), static_cast<std::int32_t>(entry.first_rank));
  return ranks;
}

void make_room(Side& other) {
  other.group.assign(static_cast<std::size_t>(std::clamp(other.offer.size, 0, layer.world_size)), -1);
}

int swap_groups(const CreateCall& call, const Side& own, Side& other) {
  int error =
      mediated::Sendrecv(&own.offer, sizeof own.offer, MPI_BYTE, call.remote_leader, call.tag, &other.offer,
                         sizeof other.offer, MPI_BYTE, call.remote_leader, call.tag, call.peer_comm, MPI_STATUS_IGNORE);
  if (error != MPI_SUCCESS) return error;
  make_room(other);
  return mediated::Sendrecv(own.group.data(), own.offer.size, MPI_INT, call.remote_leader, call.tag, other.group.data(),
                            static_cast<int>(other.group.size()), MPI_INT, call.remote_leader, call.tag, call.peer_comm,
                            MPI_STATUS_IGNORE);
}

int send_group(const CreateCall& call, const Side& own) {
  const int error =
      mediated::Send(&own.offer, sizeof own.offer, MPI_BYTE, call.remote_leader, call.tag, call.peer_comm);
  if (error != MPI_SUCCESS) return error;
  return mediated::Send(own.group.data(), own.offer.size, MPI_INT, call.remote_leader, call.tag, call.peer_comm);
}

int receive_group(const CreateCall& call, Side& other) {
  const int error = mediated::Recv(&other.offer, sizeof other.offer, MPI_BYTE, call.remote_leader, call.tag,
                                   call.peer_comm, MPI_STATUS_IGNORE);
  if (error != MPI_SUCCESS) return error;
  make_room(other);
  return mediated::Recv(other.group.data(), static_cast<int>(other.group.size()), MPI_INT, call.remote_leader, call.tag,
                        call.peer_comm, MPI_STATUS_IGNORE);
}

/// Tells, is told, or both, as flows allow.
int talk(const CreateCall& call, std::uint32_t subject, const Side& own, Side& other, Verdict& verdict) {
  const PrivilegeView& table = layer.session.table;
  if (!table.allowed(subject, table.self())) {
    other.group = ranks_of(subject);
    verdict.context = one_way_context(call, own, other);
    return send_group(call, own);
  }
  const bool both = table.allowed(table.self(), subject);
  const int error = both ? swap_groups(call, own, other) : receive_group(call, other);
  if (error != MPI_SUCCESS) return error;
  verdict.context = both ? agree_on_context(own, other) : one_way_context(call, other, own);
  if (both || own.group == ranks_of(table.self())) return MPI_SUCCESS;
  verdict.kind = Verdict::Kind::other_group;
  return MPI_ERR_COMM;
}

int refuse_without_flow(const Verdict& verdict, MPI_Comm named) {
  const PrivilegeView& table = layer.session.table;
  const std::uint32_t other = table.subject_of(static_cast<std::uint32_t>(verdict.remote_leader));
  return refuse_because(kName,
                        "there is no flow between " + describe_subject(table.self()) + " and " +
                            describe_subject(other) + ", either way, for a leader to tell the other of its group",
                        named, table.to(other).policy_line, "Use leaders whose subjects have a flow");
}

int refuse_other_group(MPI_Comm named) {
  return refuse_because(kName,
                        "the lower side takes this group to be all ranks of " +
                            describe_subject(layer.session.table.self()) +
                            " in their order, as nobody may tell it, and it is not",
                        named, 0, "Use MPI_COMM_SUBJECT as the local communicator", "Use MPI_COMM_SUBJECT");
}

}  // namespace

int group_of(MPI_Comm comm, RankList& world_ranks) {
  MPI_Group group = MPI_GROUP_NULL;
  int error = mediated::Comm_group(comm, &group);
  if (error == MPI_SUCCESS) error = world_ranks_of(group, world_ranks);
  if (group != MPI_GROUP_NULL) mediated::Group_free(&group);
  return error;
}

Verdict learn_remote_group(const CreateCall& call, const RankList& own_group, RankList& theirs) {
  Verdict verdict;
  verdict.remote_leader = remote_leader_of(call);
  verdict.error = MPI_ERR_RANK;
  if (verdict.remote_leader < 0) return verdict;
  const PrivilegeView& table = layer.session.table;
  const std::uint32_t subject = table.subject_of(static_cast<std::uint32_t>(verdict.remote_leader));
  verdict.kind = Verdict::Kind::no_flow;
  if (!table.allowed(table.self(), subject) && !table.allowed(subject, table.self())) return verdict;
  verdict.kind = Verdict::Kind::failed;
  Side own{{static_cast<std::int32_t>(own_group.size()), layer.world_rank, 0}, own_group};
  Side other{{0, verdict.remote_leader, 0}, {}};
  {
    const Lock lock;
    own.offer.number = layer.intercommunicators++;
  }
  verdict.error = talk(call, subject, own, other, verdict);
  if (verdict.error != MPI_SUCCESS) return verdict;
  theirs = other.group;
  verdict.error = MPI_ERR_COMM;
  if (!is_plausible(theirs, own_group) || rank_in(theirs, verdict.remote_leader) < 0) return verdict;
  verdict.remote_size = static_cast<std::int32_t>(theirs.size());
  const bool inside = within_subject(own_group) && within_subject(theirs);
  verdict.kind = inside ? Verdict::Kind::by_host : Verdict::Kind::spanning;
  return verdict;
}

int refuse_verdict(const CreateCall& call, const Verdict& verdict, bool leads) {
  // The leader has named the communicator over which there is no way; the others know their own group's.
  if (verdict.kind == Verdict::Kind::no_flow) {
    return refuse_without_flow(verdict, leads ? call.peer_comm : call.local_comm);
  }
  if (verdict.kind == Verdict::Kind::other_group) return refuse_other_group(call.local_comm);
  return raise(call.local_comm, verdict.error);
}

}  // namespace sluice::interpose
