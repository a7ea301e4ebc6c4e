// How the two sides of an intercommunicator to be learn of each other (MPI 3.1, section 6.6.2).
#pragma once

#include <cstdint>

#include "untrusted/interpose/communicator/group_algebra.hpp"
#include "untrusted/interpose/host_mpi.hpp"

namespace sluice::interpose {

/// Arguments of MPI_Intercomm_create.
struct CreateCall {
  MPI_Comm local_comm;
  int local_leader;
  MPI_Comm peer_comm;
  int remote_leader;
  int tag;
};

/// What a leader has found out, and tells its own group.
struct Verdict {
  enum class Kind : std::int32_t {
    failed,
    no_flow,      ///< between the subjects of the leaders, neither way
    other_group,  ///< the own group is not the one that the other side, which nobody may tell, takes it for
    by_host,      ///< both groups are of the own subject
    spanning,
  };
  Kind kind = Kind::failed;
  std::int32_t error = MPI_SUCCESS;  ///< error class, where it failed
  std::int32_t remote_leader = 0;    ///< world rank
  std::int32_t remote_size = 0;
  std::uint64_t context = 0;
};

/// World ranks of the members of a communicator, or of an intercommunicator's local group. Returns an error for which
/// the error handler has been called.
int group_of(MPI_Comm comm, RankList& world_ranks);

/// In a leader: learns the other group, `theirs`. Leaders whose subjects flow both ways tell each other. Where the flow
/// goes one way, the side that may send tells its group, and takes the other one to be all ranks of the remote leader's
/// subject in their order: that is static, and the side that is told checks it. Without any flow nothing is sent.
/// `own_group` is empty if the own side refuses the call: the other one is told that much.
Verdict learn_remote_group(const CreateCall& call, const RankList& own_group, RankList& theirs);

/// Raises what a verdict says that is not one of the two good ones. `leads`: whether this process is the leader.
int refuse_verdict(const CreateCall& call, const Verdict& verdict, bool leads);

}  // namespace sluice::interpose
