// The host MPI's C interface: everything that mpi.h of the host declares.
#pragma once

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>
#ifdef OMPI_MAJOR_VERSION
#include <mpi-ext.h>
#endif

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace sluice::interpose {

#ifdef OMPI_MAJOR_VERSION
inline constexpr char kHostName[] = "Open MPI";
inline constexpr char kLibraryName[] = "libsluice-openmpi.so";
#else
inline constexpr char kHostName[] = "MPICH";
inline constexpr char kLibraryName[] = "libsluice-mpich.so";
#endif

/// The bits of a handle, as a key. Handles are pointers in Open MPI and integers in MPICH.
template <typename Handle>
std::uint64_t handle_bits(Handle handle) noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &handle, sizeof handle);  // NOLINT(bugprone-sizeof-expression): the handle, not what it points at
  return bits;
}

}  // namespace sluice::interpose
