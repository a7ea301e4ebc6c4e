// Communicators that span subjects.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "untrusted/interpose/host_mpi.hpp"
#include "untrusted/interpose/point_to_point/receive.hpp"
#include "untrusted/interpose/transport/channel.hpp"
#include "wire/frame.hpp"

namespace sluice::interpose {

struct OwnRequest;
struct Topology;
struct Participants;

/// A view of ranks in the host MPI's part of a communicator, by rank.
struct LocalRanks {
  const std::int32_t* ranks = nullptr;
  std::uint32_t count = 0;
  /// -1 for a rank of another subject, and for whatever else a caller may name.
  [[nodiscard, gnu::always_inline]] std::int32_t of(int peer) const noexcept {
    const auto index = static_cast<std::uint32_t>(peer);
    return index < count ? ranks[index] : -1;
  }
};

/// A communicator that spans subjects: a genuine intracommunicator of the host MPI, which is the own subject's part,
/// and what lies beyond it. Attributes, names, info and error handlers are those of the genuine one.
///
/// Messages go to and come from the members of an intracommunicator, or the remote group of an intercommunicator: its
/// size and ranks are meant below, but for `rank`.
struct VirtualComm {
  /// Over the own subject's members, in rank order; those of both groups of an intercommunicator, in the order of their
  /// world ranks. The handle that the program has.
  MPI_Comm host = MPI_COMM_NULL;
  MPI_Comm hidden = MPI_COMM_NULL;  ///< the same processes, for messages of this library
  std::uint64_t context = wire::kWorldContext;
  std::int32_t size = 0;
  std::int32_t rank = 0;                    ///< of this process: in the local group of an intercommunicator
  std::vector<std::int32_t> world_rank;     ///< by rank
  std::vector<std::int32_t> host_rank;      ///< by rank: rank in `host`, -1 of another subject
  std::vector<std::int32_t> rank_of_world;  ///< by world rank: rank, -1 if not a member
  std::vector<std::int32_t> rank_of_host;   ///< by rank in `host`, -1 if not among them
  bool renumbers = true;                    ///< a rank of `host` may have another number here
  LocalRanks local;                         ///< host_rank
  LocalRanks local_unchanged;               ///< the same, but empty where it renumbers
  AnySource any_source;                     ///< members whose messages a receive from any source may take
  std::uint64_t children = 0;               ///< communicators made from it so far, in the program's order
  std::map<std::uint64_t, std::uint64_t> group_children;  ///< the same for each group and tag of MPI_Comm_create_group
  std::shared_ptr<const Topology> topology;               ///< null if it has none

  int users = 0;                             ///< collective operations that go on
  bool forgotten = false;                    ///< freed by the program: `hidden` goes when nothing uses it
  std::uint64_t persistent_collectives = 0;  ///< persistent collective requests made on it so far
  std::uint64_t collectives = 0;             ///< collective operations begun on it so far
  /// Partitioned requests made on it so far, by peer and tag.
  using PartitionedCount = std::map<std::pair<std::int32_t, std::int32_t>, std::uint64_t>;
  PartitionedCount partitioned_sends;
  PartitionedCount partitioned_receives;
  std::map<std::int32_t, std::shared_ptr<Participants>> participants;  ///< of collectives; made when needed
  std::deque<OwnRequest*> duplications;  ///< MPI_Comm_idup of it that go on, in their order: the first has started

  std::vector<std::int32_t> local_group;  ///< world ranks of an intercommunicator's local group; else empty
  MPI_Comm local_comm = MPI_COMM_NULL;    ///< over that group, for messages of this library; see local_comm_of()

  [[nodiscard]] bool is_inter() const noexcept { return !local_group.empty(); }
  [[nodiscard]] bool is_local(std::int32_t peer) const noexcept {
    return host_rank[static_cast<std::size_t>(peer)] >= 0;
  }
  /// Whether a member of another subject may send to this rank.
  [[nodiscard]] bool has_inflow() const noexcept { return !any_source.senders.empty(); }
  /// The context id that messages of `channel` carry.
  [[nodiscard]] std::uint64_t on(Channel channel) const noexcept {
    return context | static_cast<std::uint64_t>(channel);
  }
  /// Rank of a world rank that is a member.
  [[nodiscard]] std::int32_t rank_of(std::int32_t world) const noexcept {
    return rank_of_world[static_cast<std::size_t>(world)];
  }
};

/// Context id of a communicator made from `parent`: the same at every member without a message, and different, but for
/// chance of 2^-61, from every other. `ordinal` counts what was made before from the same parent (or by the same
/// group), `discriminator` tells apart what one call makes at different ranks.
std::uint64_t derive_context(std::uint64_t parent, std::uint64_t ordinal, std::uint64_t discriminator) noexcept;

/// A number for a list of world ranks, for derive_context().
std::uint64_t digest(const std::vector<std::int32_t>& world_ranks) noexcept;

/// Makes the side table of `host`, whose processes are exactly the members of the own subject, in the same order.
/// `world_ranks` are all members, by rank. Collective over `host`, as it makes `hidden`. Null if the host MPI fails.
std::unique_ptr<VirtualComm> make_communicator(MPI_Comm host, std::vector<std::int32_t> world_ranks,
                                               std::uint64_t context);

/// The same for an intercommunicator. `members`: world ranks of the processes of `host`, in their order.
std::unique_ptr<VirtualComm> make_intercommunicator(MPI_Comm host, const std::vector<std::int32_t>& members,
                                                    std::vector<std::int32_t> local_group,
                                                    std::vector<std::int32_t> remote_group, std::uint64_t context);

/// From now on lookup() finds it. Precondition: the layer is locked.
VirtualComm& register_communicator(std::unique_ptr<VirtualComm> communicator);

/// Lookup() does not find it any more; what is under way on it still ends. Frees `hidden`; `host` is freed already.
/// Precondition: the layer is locked.
void forget_communicator(const VirtualComm& communicator);

/// Frees `hidden` of a communicator that is forgotten and that nothing uses. Precondition: the layer is locked.
void release_hidden(VirtualComm& communicator);

/// Forgets all.
void forget_communicators();

}  // namespace sluice::interpose
