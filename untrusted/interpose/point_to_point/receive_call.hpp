// The arguments of a call that receives, and what all such calls share.
#pragma once

#include <memory>

#include "untrusted/interpose/point_to_point/peer.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"

namespace sluice::interpose {

struct ReceiveCall {
  const char* name;
  void* buffer;
  MPI_Count count;
  MPI_Datatype datatype;
  int peer;
  int tag;
  MPI_Comm comm;
};

/// MPI_Recv, MPI_Irecv and MPI_Recv_init with counts of any size, on any communicator.
int blocking_receive(const ReceiveCall& call, MPI_Status* status);
int start_receive(const ReceiveCall& call, MPI_Request* request);
int init_receive(const ReceiveCall& call, MPI_Request* request);

/// Refuses a receive from a rank that there is not, or from a subject without a flow to this one, and calls the error
/// handler.
int check_source(const ReceiveCall& call, const VirtualComm& comm, Peer peer);

/// Whether a receive stays with this library rather than the host MPI.
bool is_ours(const ReceiveCall& call, const VirtualComm& comm, Peer peer);

/// Fills in a receive of our own. Returns an error for which the error handler has been called.
int prepare(MpiReceive& receive, const ReceiveCall& call, const VirtualComm& comm);

/// A receive of our own that outlives the call: with a duplicate of the datatype. Null, and `error` set, on failure;
/// then the error handler has been called.
std::unique_ptr<MpiReceive> make_receive(const ReceiveCall& call, const VirtualComm& comm, int* error);

/// Waits for a receive that has begun. Returns its error, for which the error handler has been called.
int finish_receive(MpiReceive& receive, const ReceiveCall& call, MPI_Status* status);

/// Gives a matched message to a receive. Precondition: locked.
void begin_claimed(MpiReceive& receive, Unexpected& message);

/// Starts a receive by the host MPI. `peer`, in place of the call's, counts as the host does.
int start_by_host(const ReceiveCall& call, int peer, MPI_Request* request);

/// MPI_Imrecv by the host MPI.
int imrecv_by_host(void* buffer, MPI_Count count, MPI_Datatype datatype, MPI_Message* message, MPI_Request* request);

/// Remembers that a host request's status has to name a rank of `comm`.
void translate_later(const VirtualComm& comm, MPI_Request request);

}  // namespace sluice::interpose
