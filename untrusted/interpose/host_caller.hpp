// Tells calls of the program from calls that the host MPI's own libraries make.
#pragma once

namespace sluice::interpose {

/// Whether `return_address` lies in the host MPI itself (its core, its components, its ROMIO). Such calls see the
/// host's world and go straight down. The Fortran and C++ bindings count as the program.
bool called_by_host(const void* return_address);

}  // namespace sluice::interpose
