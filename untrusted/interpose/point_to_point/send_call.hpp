// The arguments of a call that sends, and what all such calls share.
#pragma once

#include <cstdint>
#include <memory>

#include "untrusted/interpose/point_to_point/datatype.hpp"
#include "untrusted/interpose/point_to_point/peer.hpp"
#include "untrusted/interpose/point_to_point/synchronous.hpp"

namespace sluice::interpose {

enum class SendMode : std::uint8_t { standard, buffered, ready, synchronous };

struct SendCall {
  const char* name;
  const void* buffer;
  MPI_Count count;
  MPI_Datatype datatype;
  int peer;
  int tag;
  MPI_Comm comm;
  SendMode mode = SendMode::standard;
};

/// A send to another subject that outlives its call.
struct RemoteSend : SynchronousSend {
  RemoteSend(const OwnKind& own_kind, const SendCall& what) noexcept : SynchronousSend(own_kind), call(what) {}
  SendCall call;
  const VirtualComm* comm = nullptr;
  Layout layout{};
  std::uint64_t context = 0;
  bool owns_datatype = false;  ///< a persistent one has a duplicate
};

/// The blocking call, the one with a request, and the persistent one of each mode, with counts of any size, on any
/// communicator.
int blocking_send(const SendCall& call);
int start_send(const SendCall& call, MPI_Request* request);
int init_send(const SendCall& call, MPI_Request* request);

/// Refuses what the policy does not let a rank send, and wrong arguments, before any data moves. MPI_SUCCESS if nothing
/// is in the way; else the error handler has been called.
int check_send(const SendCall& call, const VirtualComm& comm, Layout& layout);

/// Writes a message to a rank of another subject: complete when it returns, except that `acknowledged`, if it is not
/// null, settles later. `context`: with the channel. Returns an MPI error, for which no error handler has been called.
/// Precondition: check_send() has passed; the layer is not locked.
int write_message(const SendCall& call, const VirtualComm& comm, const Layout& layout, std::uint64_t context,
                  SynchronousSend* acknowledged);

/// The context of what `call` sends, with the channel.
std::uint64_t context_of(const SendCall& call, const VirtualComm& comm) noexcept;

/// A request for a send to another subject with a duplicate of the datatype. Null, and `error` set, on failure; then
/// the error handler has been called.
std::unique_ptr<RemoteSend> make_send(const OwnKind& kind, const SendCall& call, const VirtualComm& comm, int* error);

/// Fills in a send that has its call. Returns an error for which the error handler has been called.
int fill_send(RemoteSend& send, const VirtualComm& comm);

/// A persistent send keeps a duplicate of its datatype: the program may free its own. Returns an MPI error.
int keep_datatype(RemoteSend& send);

/// Ends a send that nothing refers to.
void destroy_send(OwnRequest& own) noexcept;

/// Starts a send by the host MPI. `peer`, in place of the call's, counts as the host does: a call is never copied, as
/// reading it whole right after its parts were written waits for every store before, messages of shared memory
/// included.
int start_by_host(const SendCall& call, int peer, MPI_Request* request);

}  // namespace sluice::interpose
