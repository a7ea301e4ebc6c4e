// Receives: from the own subject by the host MPI, from others and from anyone by this library.
#include <memory>
#include <new>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/large_count.hpp"
#include "untrusted/interpose/point_to_point/receive_call.hpp"

namespace sluice::interpose {

namespace {

int check_arguments(const ReceiveCall& call, const Layout& layout) {
  if (call.count < 0) return MPI_ERR_COUNT;
  if (call.tag < 0 && call.tag != MPI_ANY_TAG) return MPI_ERR_TAG;
  const bool empty = call.count == 0 || layout.size == 0;
  if (layout.contiguous && call.buffer == nullptr && !empty) return MPI_ERR_BUFFER;
  std::uint64_t bytes = 0;
  const bool too_many = __builtin_mul_overflow(static_cast<std::uint64_t>(call.count), layout.size, &bytes);
  return too_many ? MPI_ERR_COUNT : MPI_SUCCESS;
}

int receive_own(const ReceiveCall& call, const VirtualComm& comm, MPI_Status* status) {
  MpiReceive receive;
  if (const int error = prepare(receive, call, comm); error != MPI_SUCCESS) return error;
  {
    const Lock lock;
    begin(receive);
  }
  return finish_receive(receive, call, status);
}

int start_own(const ReceiveCall& call, const VirtualComm& comm, MPI_Request* request) {
  int error = MPI_SUCCESS;
  auto made = make_receive(call, comm, &error);
  if (made == nullptr) return error;
  error = hand_out(*made, request);
  MpiReceive& receive = *made.release();
  if (error != MPI_SUCCESS) {
    destroy_receive(receive);
    return error;
  }
  const Lock lock;
  begin(receive);
  return MPI_SUCCESS;
}

/// Receives by the host MPI; `peer`, in place of the call's, counts as the host does.
int receive_by_host(const ReceiveCall& call, int peer, MPI_Status* status) {
  if (local_messages_wanted()) {
    MPI_Request request = MPI_REQUEST_NULL;
    const int error = start_by_host(call, peer, &request);
    return error != MPI_SUCCESS ? error : wait_for_host(&request, status);
  }
#ifdef SLUICE_LARGE_COUNTS
  if (!fits_int(call.count)) {
    return host.Recv_c(call.buffer, call.count, call.datatype, peer, call.tag, call.comm, status);
  }
#endif
  const auto count = static_cast<int>(call.count);
  return host.Recv(call.buffer, count, call.datatype, peer, call.tag, call.comm, status);
}

}  // namespace

bool is_ours(const ReceiveCall& call, const VirtualComm& comm, Peer peer) {
  if (peer == Peer::remote || peer == Peer::anyone) return true;
  if (peer != Peer::local || !local_messages_wanted()) return false;
  const Lock lock;
  return must_queue(envelope(comm, call.peer, call.tag));
}

int check_source(const ReceiveCall& call, const VirtualComm& comm, Peer peer) {
  if (peer == Peer::invalid) return raise(call.comm, MPI_ERR_RANK);
  if (peer != Peer::remote) return MPI_SUCCESS;
  const std::uint32_t rank = to_world(comm, call.peer);
  const PrivilegeView& table = layer.session.table;
  if (table.from(table.subject_of(rank)).allowed != 0) return MPI_SUCCESS;
  return refuse_receive(call.name, rank, call.comm);
}

int prepare(MpiReceive& receive, const ReceiveCall& call, const VirtualComm& comm) {
  receive.layout = layout_of(call.datatype);
  if (receive.layout.error != MPI_SUCCESS) return receive.layout.error;
  if (const int error = check_arguments(call, receive.layout); error != MPI_SUCCESS) return raise(call.comm, error);
  receive.comm = &comm;
  receive.error_comm = comm.host;
  receive.wanted = envelope(comm, call.peer, call.tag);
  receive.any = &comm.any_source;
  receive.capacity = static_cast<std::uint64_t>(call.count) * receive.layout.size;
  receive.staged = !receive.layout.contiguous;
  receive.buffer = static_cast<std::byte*>(call.buffer);
  receive.user_buffer = call.buffer;
  receive.count = call.count;
  receive.datatype = call.datatype;
  return MPI_SUCCESS;
}

std::unique_ptr<MpiReceive> make_receive(const ReceiveCall& call, const VirtualComm& comm, int* error) {
  auto made = std::unique_ptr<MpiReceive>(new (std::nothrow) MpiReceive);
  if (made == nullptr) {
    *error = raise(call.comm, MPI_ERR_NO_MEM);
    return nullptr;
  }
  *error = prepare(*made, call, comm);
  if (*error != MPI_SUCCESS) return nullptr;
  made->self_may_send = made->wanted.source == kAnySource;
  if (made->layout.predefined) return made;
  *error = PMPI_Type_dup(call.datatype, &made->datatype);
  if (*error != MPI_SUCCESS) return nullptr;
  made->owns_datatype = true;
  return made;
}

int finish_receive(MpiReceive& receive, const ReceiveCall& call, MPI_Status* status) {
  wait_for_own(receive);
  copy_status(status, receive.status);
  return receive.error == MPI_SUCCESS ? MPI_SUCCESS : raise(call.comm, receive.error);
}

int start_by_host(const ReceiveCall& call, int peer, MPI_Request* request) {
#ifdef SLUICE_LARGE_COUNTS
  if (!fits_int(call.count)) {
    return host.Irecv_c(call.buffer, call.count, call.datatype, peer, call.tag, call.comm, request);
  }
#endif
  const auto count = static_cast<int>(call.count);
  return host.Irecv(call.buffer, count, call.datatype, peer, call.tag, call.comm, request);
}

void translate_later(const VirtualComm& comm, MPI_Request request) {
  if (!comm.renumbers || request == MPI_REQUEST_NULL) return;
  const Lock lock;
  layer.requests.set(handle_bits(request), TrackedRequest::Kind::translate, ++layer.request_serial, nullptr, &comm);
  publish_tracked();
}

int blocking_receive(const ReceiveCall& call, MPI_Status* status) {
  const VirtualComm* comm = lookup(call.comm);
  if (comm == nullptr) return receive_by_host(call, call.peer, status);
  const Peer peer = origin(*comm, call.peer);
  if (const int refused = check_source(call, *comm, peer); refused != MPI_SUCCESS) return refused;
  if (is_ours(call, *comm, peer)) return receive_own(call, *comm, status);
  const int error = receive_by_host(call, to_host(*comm, call.peer), status);
  source_to_virtual(*comm, status);
  return error;
}

int start_receive(const ReceiveCall& call, MPI_Request* request) {
  const VirtualComm* comm = lookup(call.comm);
  if (comm == nullptr) return start_by_host(call, call.peer, request);
  const Peer peer = origin(*comm, call.peer);
  if (const int refused = check_source(call, *comm, peer); refused != MPI_SUCCESS) return refused;
  if (is_ours(call, *comm, peer)) return start_own(call, *comm, request);
  const int error = start_by_host(call, to_host(*comm, call.peer), request);
  if (error == MPI_SUCCESS && peer != Peer::nobody) translate_later(*comm, *request);
  return error;
}

namespace mediated {

int Recv(void* buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm, MPI_Status* status) {
  return blocking_receive({"MPI_Recv", buf, count, datatype, source, tag, comm}, status);
}

int Irecv(void* buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm, MPI_Request* request) {
  return start_receive({"MPI_Irecv", buf, count, datatype, source, tag, comm}, request);
}

}  // namespace mediated

}  // namespace sluice::interpose
