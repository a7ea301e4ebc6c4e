// What the two groups of an intercommunicator tell each other when they make another communicator together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "untrusted/interpose/communicator/communicator.hpp"

namespace sluice::interpose {

/// Which group may tell the other something. It follows from the policy and the groups, so both know it.
enum class Talk : std::uint8_t {
  both,     ///< each the other
  tells,    ///< the own group is the lower one
  is_told,  ///< the remote group is the lower one
  in_vain,  ///< neither, or only one of them while a subject has ranks in both
};

/// The first ranks of the groups speak for them: see the flows between their subjects.
Talk talk_between(const VirtualComm& inter);

/// Of the subjects of the two first ranks, the first one that may not send to the other. Precondition: there is one.
std::uint32_t silent_subject(const VirtualComm& inter);

/// The first rank of each group that may tell sends `ours`, and all of a group that is told get `theirs`, whose length
/// they know. The bytes of `ours` matter in the first rank alone. Collective over both groups. `ordinal` is one of the
/// communicator's own (VirtualComm::children). Returns an MPI error, for which no error handler has been called.
int tell_groups(VirtualComm& inter, std::uint64_t ordinal, std::span<const std::byte> ours,
                std::span<std::byte> theirs);

/// The intracommunicator over the local group that no call of the program knows. A duplicate that was made without
/// waiting has none yet: collective over the local group.
MPI_Comm local_comm_of(VirtualComm& inter);

/// As MPI_Bcast on a communicator that may span subjects or not, while receives of this process go on.
int broadcast(void* buffer, int count, MPI_Datatype datatype, int root, MPI_Comm comm);

}  // namespace sluice::interpose
