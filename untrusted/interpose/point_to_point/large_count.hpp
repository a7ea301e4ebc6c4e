// Counts beyond int: MPI 4.0 has functions for them, called like the others with _c behind the name.
#pragma once

#include <limits>

#include "untrusted/interpose/host_mpi.hpp"

#if MPI_VERSION >= 4
#define SLUICE_LARGE_COUNTS 1
#endif

namespace sluice::interpose {

inline bool fits_int(MPI_Count count) noexcept { return count <= std::numeric_limits<int>::max(); }

}  // namespace sluice::interpose
