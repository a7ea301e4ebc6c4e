// Messages that a matched probe has taken and that are not received yet.
//
// A program holds a genuine message handle of the host MPI. For a message of another subject it belongs to an empty
// message to oneself; for one of the own subject it is the message's own.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "untrusted/interpose/host_mpi.hpp"
#include "untrusted/interpose/transport/incoming.hpp"

namespace sluice::interpose {

struct VirtualComm;

struct MatchedMessage {
  Unexpected* message = nullptr;      ///< of another subject; null: the host MPI has it
  const VirtualComm* comm = nullptr;  ///< that it was sent on
  /// Of the empty message to oneself. Not freed before that is received: MPICH forgets then that the message needs it.
  MPI_Request sent = MPI_REQUEST_NULL;
};

/// By the handle's bits.
using MessageMap = std::unordered_map<std::uint64_t, MatchedMessage>;

}  // namespace sluice::interpose
