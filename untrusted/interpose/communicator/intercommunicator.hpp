// Intercommunicators between groups that span subjects (MPI 3.1, section 6.6).
#pragma once

#include "untrusted/interpose/communicator/communicator.hpp"
#include "untrusted/interpose/communicator/group_algebra.hpp"

namespace sluice::interpose {

/// Makes the side table of an intercommunicator whose own subject's part, members of both groups in the order of their
/// world ranks, is `made`. `local_comm` is an intracommunicator over the local group of which no call asks for
/// attributes; it belongs to the intercommunicator from now on. Collective over `made`. Frees both if it fails.
int complete_intercommunicator(MPI_Comm parent, MPI_Comm made, MPI_Comm local_comm, RankList local_group,
                               RankList remote_group, std::uint64_t context, MPI_Comm* newcomm);

/// Completes a duplicate that the host MPI has made of an intercommunicator's part.
int complete_inter_duplicate(VirtualComm& parent, std::uint64_t context, MPI_Comm made, MPI_Comm* newcomm);

}  // namespace sluice::interpose
