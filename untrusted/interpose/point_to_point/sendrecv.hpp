// A send and a receive in one call.
#pragma once

#include <cstddef>
#include <memory>

#include "untrusted/interpose/point_to_point/receive_call.hpp"
#include "untrusted/interpose/point_to_point/send_call.hpp"

namespace sluice::interpose {

/// MPI_Sendrecv and MPI_Sendrecv_replace with counts of any size, on any communicator.
int sendrecv(const SendCall& send_call, const ReceiveCall& receive_call, MPI_Status* status);
int sendrecv_replace(SendCall send_call, const ReceiveCall& receive_call, MPI_Status* status);

/// Refuses both halves before either has begun. The error handler has been called.
int check_sendrecv(const SendCall& send, const ReceiveCall& receive, const VirtualComm& comm);

/// Copies what `send` sends, and lets it send the copy, so that its buffer may be received into. Null, and `error` set,
/// on failure; then the error handler has been called.
std::unique_ptr<std::byte[]> copy_for_replace(SendCall& send, int* error);

}  // namespace sluice::interpose
