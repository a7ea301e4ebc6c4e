#include "untrusted/interpose/communicator/inter_children.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/class_exchange.hpp"
#include "untrusted/interpose/communicator/group.hpp"
#include "untrusted/interpose/communicator/group_talk.hpp"
#include "untrusted/interpose/communicator/intercommunicator.hpp"
#include "untrusted/interpose/communicator/new_communicator.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

/// What is to be made, as one of its sides sees it. Either group may be empty: then nothing is.
struct Child {
  RankList local;             ///< world ranks
  RankList remote;            ///< likewise
  std::uint64_t context = 0;  ///< the same on both sides
  int color = MPI_UNDEFINED;  ///< for the host MPI: of this process, which is none of it if undefined
  MPI_Comm local_comm = MPI_COMM_NULL;
};

/// Both groups are of the own subject: the host MPI's own intercommunicator. `all` has the members of both.
int make_by_host(const Child& child, MPI_Comm all, MPI_Comm* newcomm) {
  const RankList members = own_members(child.local, child.remote);
  return host.Intercomm_create(child.local_comm, 0, all, rank_in(members, child.remote.front()), 0, newcomm);
}

/// Every process of the own subject's part of `parent` calls it.
int make_child(VirtualComm& parent, Child child, MPI_Comm* newcomm) {
  MPI_Comm made = MPI_COMM_NULL;
  *newcomm = MPI_COMM_NULL;
  int error = meet(parent);
  if (error == MPI_SUCCESS) error = host.Comm_split(parent.host, child.color, 0, &made);
  if (error != MPI_SUCCESS || made == MPI_COMM_NULL) return error;
  if (within_subject(child.local) && within_subject(child.remote)) {
    error = make_by_host(child, made, newcomm);
    host.Comm_free(&made);
    host.Comm_free(&child.local_comm);
    if (error == MPI_SUCCESS) inherit_error_handler(parent.host, *newcomm);
    return error;
  }
  inherit_error_handler(parent.host, made);
  return complete_intercommunicator(parent.host, made, child.local_comm, std::move(child.local),
                                    std::move(child.remote), child.context, newcomm);
}

// --- MPI_Comm_create -------------------------------------------------------------------------------------------------

/// A side's choice as it is told: how many members, or that the call has failed there, then their world ranks.
constexpr std::int32_t kFailed = -1;

RankList as_told(const RankList& chosen, bool failed, std::size_t size) {
  RankList told(size + 1, kFailed);
  told.front() = failed ? kFailed : static_cast<std::int32_t>(chosen.size());
  std::copy(chosen.begin(), chosen.end(), told.begin() + 1);
  return told;
}

/// Reads what the other side says it has chosen of `group`; false if that cannot be.
bool read_choice(const RankList& told, const RankList& group, RankList& chosen) {
  const std::int32_t count = told.front();
  if (count < 0 || static_cast<std::size_t>(count) > group.size()) return false;
  chosen.assign(told.begin() + 1, told.begin() + 1 + count);
  RankList sorted = chosen;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() && subtract(chosen, group).empty();
}

int refuse_choice(const VirtualComm& parent) {
  return refuse_because("MPI_Comm_create",
                        "the lower side takes this group of the intercommunicator to stay as it is, as nobody may tell "
                        "it, and it does not",
                        parent.host, 0, "Give the whole local group (MPI_Comm_group) on this side",
                        "Give the whole local group");
}

int refuse_silence(const VirtualComm& parent, const char* function, const char* what) {
  return refuse_because(function,
                        std::string("the two groups have to tell each other ") + what + ", and " +
                            describe_subject(silent_subject(parent)) + " may not send to the other one",
                        parent.host, 0, "Make it from a group of MPI_COMM_WORLD by MPI_Comm_create",
                        "Use MPI_Comm_create on MPI_COMM_WORLD");
}

// --- MPI_Comm_split --------------------------------------------------------------------------------------------------

int gather_choices(VirtualComm& parent, const SplitChoice& own, std::vector<SplitChoice>& all) {
  constexpr int kBytes = sizeof(SplitChoice);
  const MPI_Comm comm = local_comm_of(parent);
  all.resize(parent.local_group.size());
  if (lookup(comm) != nullptr) {
    return mediated::Allgather(&own, kBytes, MPI_BYTE, all.data(), kBytes, MPI_BYTE, comm);
  }
  MPI_Request request = MPI_REQUEST_NULL;
  const int error = host.Iallgather(&own, kBytes, MPI_BYTE, all.data(), kBytes, MPI_BYTE, comm, &request);
  return error == MPI_SUCCESS ? finish_by_host(request) : error;
}

}  // namespace

int create_from_inter(VirtualComm& parent, MPI_Group group, MPI_Comm* newcomm) {
  const Talk talk = talk_between(parent);
  if (talk == Talk::in_vain) return refuse_silence(parent, "MPI_Comm_create", "their members");
  const std::uint64_t ordinal = next_child(parent);
  Child child;
  int error = members_within(parent.local_group, parent.host, group, child.local);
  const RankList ours = as_told(child.local, error != MPI_SUCCESS, parent.local_group.size());
  RankList theirs = as_told(parent.world_rank, false, parent.world_rank.size());
  const int told =
      tell_groups(parent, ordinal, std::as_bytes(std::span(ours)), std::as_writable_bytes(std::span(theirs)));
  if (error != MPI_SUCCESS) return error;
  if (told != MPI_SUCCESS) return raise(parent.host, told);
  if (!read_choice(theirs, parent.world_rank, child.remote)) return raise(parent.host, MPI_ERR_GROUP);
  if (talk == Talk::is_told && child.local != parent.local_group) return refuse_choice(parent);
  child.context = derive_context(parent.context, ordinal, 0);
  if (!child.local.empty() && !child.remote.empty()) {
    error = mediated::Comm_create(local_comm_of(parent), group, &child.local_comm);
    if (error != MPI_SUCCESS) return error;
    if (rank_in(child.local, layer.world_rank) >= 0) child.color = 0;
  }
  return make_child(parent, std::move(child), newcomm);
}

int split_inter(VirtualComm& parent, int color, int key, MPI_Comm* newcomm) {
  if (talk_between(parent) != Talk::both) return refuse_silence(parent, "MPI_Comm_split", "their colours and keys");
  const std::uint64_t ordinal = next_child(parent);
  std::vector<SplitChoice> ours;
  std::vector<SplitChoice> theirs(parent.world_rank.size());
  int error = gather_choices(parent, {color, key}, ours);
  if (error == MPI_SUCCESS) {
    error = tell_groups(parent, ordinal, std::as_bytes(std::span(ours)), std::as_writable_bytes(std::span(theirs)));
  }
  if (error != MPI_SUCCESS) return raise(parent.host, error);
  Child child;
  if (color != MPI_UNDEFINED) {
    child.local = split(parent.local_group, ours, color);
    child.remote = split(parent.world_rank, theirs, color);
    if (!child.remote.empty()) child.color = color;
  }
  child.context = derive_context(parent.context, ordinal, static_cast<std::uint32_t>(color));
  error = mediated::Comm_split(local_comm_of(parent), child.color, key, &child.local_comm);
  return error == MPI_SUCCESS ? make_child(parent, std::move(child), newcomm) : error;
}

}  // namespace sluice::interpose
