// Predefined attributes of communicators that span subjects (MPI 4.0, 9.1.2). All other attributes are the host's, on
// the genuine communicator, with their callbacks.
#pragma once

#include "untrusted/interpose/host_mpi.hpp"

namespace sluice::interpose {

/// Tags of messages between subjects end here, whatever their hosts are: all processes of a communicator have one
/// MPI_TAG_UB, and this is the smallest of the hosts that are supported (that of MPICH).
inline constexpr int kMostTag = (1 << 28) - 1;

/// The run's value of a predefined attribute, or null if the host's own is right.
///   MPI_TAG_UB           at most kMostTag
///   MPI_UNIVERSE_SIZE    ranks of the run, which cannot grow
///   MPI_APPNUM           number of the own subject: what `mpiexec A : B` numbers, a policy lists as subjects
///   MPI_WTIME_IS_GLOBAL  false: subjects do not share a clock
/// For communicators that span subjects. The pointer stays valid. The host has to have the attribute.
int* predefined_attribute(int keyval) noexcept;

/// MPI_TAG_UB of communicators that span subjects, from the host's own.
int bounded_tag(int host_bound) noexcept;

}  // namespace sluice::interpose
