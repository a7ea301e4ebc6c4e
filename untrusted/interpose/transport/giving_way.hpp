// Giving way while the host MPI waits for processes of the own subject, where its own waiting does not.
#pragma once

#include <cstdint>

#include "untrusted/interpose/host_mpi.hpp"

namespace sluice::interpose {

#ifdef MPICH_VERSION
/// From now on MPICH gives its processor away while it waits in vain, if `ranks`, of the run or of the host's job, are
/// more than the processors that this process may use (docs/decisions/018-giving-way.md). Until then it does so if
/// MPICH's launcher has started that many.
void give_way_among(std::uint32_t ranks);
#else
/// Open MPI gives way by itself.
inline void give_way_among(std::uint32_t /*ranks*/) {}
#endif

}  // namespace sluice::interpose
