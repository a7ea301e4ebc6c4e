// The self-check that language bindings reach this library.
//
// Bindings for Fortran are libraries of their own, which call the host MPI's C functions. One that is linked so that
// these calls go elsewhere (a copy of the host MPI inside it, -Bsymbolic, RTLD_DEEPBIND, an order of libraries that
// puts the host MPI before this library) would see a world of its own subject and never tell. Such a program must not
// run as if nothing were wrong.
#pragma once

namespace sluice::interpose {

/// Notes that a call of MPI_Initialized has come here: the probe that is used before MPI_Init.
void note_arrival() noexcept;

/// Notes that MPI_Init has come here.
void note_start() noexcept;

/// Asks every Fortran binding that is loaded for the size of MPI_COMM_WORLD, which must be `world_size`. Ends the
/// process, with the reason, if one gives another answer. Called where the world spans subjects.
void check_bindings(int world_size);

}  // namespace sluice::interpose
