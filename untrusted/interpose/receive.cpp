// Receives: from the own subject by the host MPI, from others and from anyone by this library.
#include <limits>
#include <memory>
#include <new>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/peer.hpp"
#include "untrusted/interpose/progress.hpp"

namespace sluice::interpose {

namespace {

struct ReceiveCall {
  const char* name;
  void* buffer;
  int count;
  MPI_Datatype datatype;
  int peer;
  int tag;
  MPI_Comm comm;
};

/// Whether a receive stays with this library rather than the host MPI.
bool is_ours(const ReceiveCall& call, const VirtualComm& comm, Peer peer) {
  if (peer == Peer::remote || peer == Peer::anyone) return true;
  if (peer != Peer::local || !local_messages_wanted()) return false;
  const Lock lock;
  return must_queue(envelope(comm, call.peer, call.tag));
}

/// Refuses a receive from a subject without a flow to this one.
int refuse_remote(const ReceiveCall& call, const VirtualComm& comm, Peer peer) {
  if (peer != Peer::remote) return MPI_SUCCESS;
  const std::uint32_t rank = to_world(comm, call.peer);
  const PrivilegeView& table = layer.session.table;
  if (table.from(table.subject_of(rank)).allowed != 0) return MPI_SUCCESS;
  return refuse_receive(call.name, rank, call.comm);
}

/// Fills in a receive of our own. Returns an error for which the error handler has been called.
int prepare(MpiReceive& receive, const ReceiveCall& call, const VirtualComm& comm) {
  receive.layout = layout_of(call.datatype);
  if (receive.layout.error != MPI_SUCCESS) return receive.layout.error;
  if (call.count < 0) return raise(call.comm, MPI_ERR_COUNT);
  if (call.tag < 0 && call.tag != MPI_ANY_TAG) return raise(call.comm, MPI_ERR_TAG);
  receive.comm = &comm;
  receive.wanted = envelope(comm, call.peer, call.tag);
  receive.any = &comm.any_source;
  receive.capacity = static_cast<std::uint64_t>(call.count) * receive.layout.size;
  receive.staged = !receive.layout.contiguous;
  if (!receive.staged && call.buffer == nullptr && receive.capacity != 0) return raise(call.comm, MPI_ERR_BUFFER);
  if (receive.staged && receive.layout.size > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
    return raise(call.comm, MPI_ERR_COUNT);
  }
  receive.buffer = static_cast<std::byte*>(call.buffer);
  receive.user_buffer = call.buffer;
  receive.count = call.count;
  receive.datatype = call.datatype;
  return MPI_SUCCESS;
}

int blocking_receive(const ReceiveCall& call, const VirtualComm& comm, MPI_Status* status) {
  MpiReceive receive;
  if (const int error = prepare(receive, call, comm); error != MPI_SUCCESS) return error;
  {
    const Lock lock;
    begin(receive);
  }
  Waiter waiter;
  for (;;) {
    bool moved = false;
    {
      const Lock lock;
      moved = progress();
      if (receive.settled) break;
    }
    if (moved) {
      waiter.reset();
    } else {
      waiter.pause();
    }
  }
  copy_status(status, receive.status);
  return receive.error == MPI_SUCCESS ? MPI_SUCCESS : raise(call.comm, receive.error);
}

int start_receive(const ReceiveCall& call, const VirtualComm& comm, MPI_Request* request) {
  auto receive = std::unique_ptr<MpiReceive>(new (std::nothrow) MpiReceive);
  if (receive == nullptr) return raise(call.comm, MPI_ERR_NO_MEM);
  if (const int error = prepare(*receive, call, comm); error != MPI_SUCCESS) return error;
  if (!receive->layout.predefined) {
    const int error = PMPI_Type_dup(call.datatype, &receive->datatype);
    if (error != MPI_SUCCESS) return error;
    receive->owns_datatype = true;
  }
  receive->error_comm = comm.host;
  const int error = hand_out(*receive, request);
  if (error != MPI_SUCCESS) {
    destroy_receive(*receive.release());
    return error;
  }
  const Lock lock;
  begin(*receive.release());
  return MPI_SUCCESS;
}

/// Remembers that a host request's status has to name a world rank.
void translate_later(const VirtualComm& comm, MPI_Request request) {
  if (!comm.renumbers() || request == MPI_REQUEST_NULL) return;
  const Lock lock;
  layer.requests.set(handle_bits(request), {TrackedRequest::Kind::translate, ++layer.request_serial, nullptr, &comm});
  publish_tracked();
}

/// Receives by the host MPI; `peer` counts as the host does.
int receive_by_host(const ReceiveCall& call, int peer, MPI_Status* status) {
  if (!local_messages_wanted()) {
    return host.Recv(call.buffer, call.count, call.datatype, peer, call.tag, call.comm, status);
  }
  MPI_Request request = MPI_REQUEST_NULL;
  const int error = host.Irecv(call.buffer, call.count, call.datatype, peer, call.tag, call.comm, &request);
  return error != MPI_SUCCESS ? error : wait_for_host(&request, status);
}

/// Whether both halves of a Sendrecv may go to the host MPI in one call.
bool both_by_host(const VirtualComm* comm, int dest, int source) {
  if (local_messages_wanted()) return false;
  if (comm == nullptr) return true;
  const Peer to = destination(*comm, dest);
  const Peer from = origin(*comm, source);
  return (to == Peer::local || to == Peer::nobody) &&
         (from == Peer::local || from == Peer::nobody || from == Peer::anyone_here);
}

/// Refuses a Sendrecv before either half has begun.
int refuse_sendrecv(const char* name, const VirtualComm& comm, int dest, int source, MPI_Comm handle) {
  const Peer to = destination(comm, dest);
  const Peer from = origin(comm, source);
  if (to == Peer::invalid || from == Peer::invalid) return raise(handle, MPI_ERR_RANK);
  if (to == Peer::remote && layer.session.table.capability(to_world(comm, dest)) == wire::kNoCapability) {
    return refuse_send(name, to_world(comm, dest), handle);
  }
  return refuse_remote({name, nullptr, 0, MPI_BYTE, source, 0, handle}, comm, from);
}

}  // namespace

namespace mediated {

int Recv(void* buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm, MPI_Status* status) {
  const ReceiveCall call{"MPI_Recv", buf, count, datatype, source, tag, comm};
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr) return receive_by_host(call, source, status);
  const Peer peer = origin(*spanning, source);
  if (peer == Peer::invalid) return raise(comm, MPI_ERR_RANK);
  if (const int refused = refuse_remote(call, *spanning, peer); refused != MPI_SUCCESS) return refused;
  if (is_ours(call, *spanning, peer)) return blocking_receive(call, *spanning, status);
  const int error = receive_by_host(call, to_host(*spanning, source), status);
  source_to_virtual(*spanning, status);
  return error;
}

int Irecv(void* buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm, MPI_Request* request) {
  const ReceiveCall call{"MPI_Irecv", buf, count, datatype, source, tag, comm};
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr) return host.Irecv(buf, count, datatype, source, tag, comm, request);
  const Peer peer = origin(*spanning, source);
  if (peer == Peer::invalid) return raise(comm, MPI_ERR_RANK);
  if (const int refused = refuse_remote(call, *spanning, peer); refused != MPI_SUCCESS) return refused;
  if (is_ours(call, *spanning, peer)) return start_receive(call, *spanning, request);
  const int error = host.Irecv(buf, count, datatype, to_host(*spanning, source), tag, comm, request);
  if (error == MPI_SUCCESS && peer != Peer::nobody) translate_later(*spanning, *request);
  return error;
}

int Sendrecv(const void* sendbuf, int sendcount, MPI_Datatype sendtype, int dest, int sendtag, void* recvbuf,
             int recvcount, MPI_Datatype recvtype, int source, int recvtag, MPI_Comm comm, MPI_Status* status) {
  const VirtualComm* spanning = lookup(comm);
  if (both_by_host(spanning, dest, source)) {
    const int to = spanning != nullptr ? to_host(*spanning, dest) : dest;
    const int from = spanning != nullptr ? to_host(*spanning, source) : source;
    const int error = host.Sendrecv(sendbuf, sendcount, sendtype, to, sendtag, recvbuf, recvcount, recvtype, from,
                                    recvtag, comm, status);
    if (spanning != nullptr) source_to_virtual(*spanning, status);
    return error;
  }
  if (spanning != nullptr) {
    const int refused = refuse_sendrecv("MPI_Sendrecv", *spanning, dest, source, comm);
    if (refused != MPI_SUCCESS) return refused;
  }
  MPI_Request request = MPI_REQUEST_NULL;
  int error = Irecv(recvbuf, recvcount, recvtype, source, recvtag, comm, &request);
  if (error != MPI_SUCCESS) return error;
  error = Send(sendbuf, sendcount, sendtype, dest, sendtag, comm);
  if (error != MPI_SUCCESS) {
    Cancel(&request);
    Request_free(&request);
    return error;
  }
  return Wait(&request, status);
}

int Sendrecv_replace(void* buf, int count, MPI_Datatype datatype, int dest, int sendtag, int source, int recvtag,
                     MPI_Comm comm, MPI_Status* status) {
  const VirtualComm* spanning = lookup(comm);
  if (spanning != nullptr) {
    const int refused = refuse_sendrecv("MPI_Sendrecv_replace", *spanning, dest, source, comm);
    if (refused != MPI_SUCCESS) return refused;
  }
  const Layout layout = layout_of(datatype);
  if (layout.error != MPI_SUCCESS) return layout.error;
  const std::uint64_t bytes = count < 0 ? 0 : static_cast<std::uint64_t>(count) * layout.size;
  if (count < 0 || bytes > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
    return raise(comm, MPI_ERR_COUNT);
  }
  const std::unique_ptr<std::byte[]> copy(new (std::nothrow) std::byte[bytes + 1]);
  if (copy == nullptr) return raise(comm, MPI_ERR_NO_MEM);
  int position = 0;
  const int error = PMPI_Pack(buf, count, datatype, copy.get(), static_cast<int>(bytes), &position, layer.self);
  if (error != MPI_SUCCESS) return error;
  return Sendrecv(copy.get(), position, MPI_PACKED, dest, sendtag, buf, count, datatype, source, recvtag, comm, status);
}

}  // namespace mediated

}  // namespace sluice::interpose
