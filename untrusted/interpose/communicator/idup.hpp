// Duplications that go on while the program does something else.
#pragma once

#include "untrusted/interpose/communicator/communicator.hpp"

namespace sluice::interpose {

/// Waits until no MPI_Comm_idup of `parent` goes on. To be called before whatever all processes of the own subject's
/// part do together in the host MPI on `parent`, and before it is freed: all of them have called MPI_Comm_idup then.
/// Not to be called with the layer locked.
void finish_duplications(const VirtualComm& parent);

}  // namespace sluice::interpose
