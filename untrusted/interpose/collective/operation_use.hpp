// Reduction operations that a collective still needs when the program frees them (MPI 3.1, section 5.9.5).
#pragma once

#include "untrusted/interpose/host_mpi.hpp"

namespace sluice::interpose {

/// From now on free_operation() leaves `op` in place. MPI_OP_NULL is ignored. Precondition: the layer is locked.
void pin_operation(MPI_Op op);

/// Ends one pin; the last one ends an operation that the program has freed. Precondition: the layer is locked.
void unpin_operation(MPI_Op op);

/// Whether somebody has pinned `op`: then it is freed with the last pin, and not now. Precondition: the layer is
/// locked.
bool free_later(MPI_Op op);

}  // namespace sluice::interpose
