// What probes share, whether they match or only look.
#pragma once

#include "untrusted/interpose/point_to_point/peer.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"

namespace sluice::interpose {

struct ProbeCall {
  const char* name;
  int peer;
  int tag;
  MPI_Comm comm;
  bool waits = false;  ///< the program does nothing else until there is a message
};

/// Refuses what MPI_Recv with these arguments would refuse. The error handler has been called.
int check_probe(const ProbeCall& call, const VirtualComm& comm, Peer peer);

/// Whether no message can come any more that this looks for. A program that only looks, from any source, may still send
/// to itself when all others have ended. Precondition: the layer is locked.
bool is_hopeless(const ProbeCall& call, const VirtualComm& comm);

/// Moves on what has to go on while the program polls.
void progress_if_wanted();

/// Whether this look for a message from anyone begins with the own subject: every other one does, and all when nobody
/// else can send any more.
bool here_first(const ProbeCall& call, const VirtualComm& comm);

}  // namespace sluice::interpose
