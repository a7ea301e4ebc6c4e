// Intercommunicators made from one that spans subjects (MPI 3.1, section 6.4.2).
#pragma once

#include "untrusted/interpose/communicator/communicator.hpp"

namespace sluice::interpose {

/// MPI_Comm_create: of the members of each side's group. Over a one-way flow the lower side chooses its members, and
/// the higher one, which is told, stays as it is.
int create_from_inter(VirtualComm& parent, MPI_Group group, MPI_Comm* newcomm);

/// MPI_Comm_split: of those of both sides that have the same colour. Needs flows both ways.
int split_inter(VirtualComm& parent, int color, int key, MPI_Comm* newcomm);

}  // namespace sluice::interpose
