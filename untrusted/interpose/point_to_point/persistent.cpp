// Persistent point-to-point requests. Those that stay inside the subject, and that no wildcard of ours can be in the
// way of, are the host MPI's own.
#include <memory>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/large_count.hpp"
#include "untrusted/interpose/point_to_point/receive_call.hpp"
#include "untrusted/interpose/point_to_point/send_call.hpp"

namespace sluice::interpose {

namespace {

/// Complete when it is written, unless it is synchronous.
int start_remote(OwnRequest& own) {
  auto& send = static_cast<RemoteSend&>(own);
  const bool synchronous = send.call.mode == SendMode::synchronous;
  const int error = write_message(send.call, *send.comm, send.layout, send.context, synchronous ? &send : nullptr);
  if (error != MPI_SUCCESS || synchronous) return error;
  const Lock lock;
  settle(send);
  return MPI_SUCCESS;
}

const OwnKind kPersistentSend{destroy_send, nullptr, nullptr, start_remote};

int init_remote(const SendCall& call, const VirtualComm& comm, MPI_Request* request) {
  int error = MPI_SUCCESS;
  auto made = make_send(kPersistentSend, call, comm, &error);
  if (made == nullptr) return error;
  if (error = keep_datatype(*made); error != MPI_SUCCESS) return error;
  error = hand_out_persistent(*made, request);
  RemoteSend& send = *made.release();
  if (error != MPI_SUCCESS) destroy_send(send);
  return error;
}

using Init = int (*HostTable::*)(const void*, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);
// By SendMode.
constexpr Init kInit[] = {&HostTable::Send_init, &HostTable::Bsend_init, &HostTable::Rsend_init,
                          &HostTable::Ssend_init};
#ifdef SLUICE_LARGE_COUNTS
using LargeInit = int (*HostTable::*)(const void*, MPI_Count, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);
constexpr LargeInit kLargeInit[] = {&HostTable::Send_init_c, &HostTable::Bsend_init_c, &HostTable::Rsend_init_c,
                                    &HostTable::Ssend_init_c};
#endif

int init_by_host(const SendCall& call, int peer, MPI_Request* request) {
  const auto mode = static_cast<std::size_t>(call.mode);
#ifdef SLUICE_LARGE_COUNTS
  if (!fits_int(call.count)) {
    return (host.*kLargeInit[mode])(call.buffer, call.count, call.datatype, peer, call.tag, call.comm, request);
  }
#endif
  const auto count = static_cast<int>(call.count);
  return (host.*kInit[mode])(call.buffer, count, call.datatype, peer, call.tag, call.comm, request);
}

int init_receive_by_host(const ReceiveCall& call, int peer, MPI_Request* request) {
#ifdef SLUICE_LARGE_COUNTS
  if (!fits_int(call.count)) {
    return host.Recv_init_c(call.buffer, call.count, call.datatype, peer, call.tag, call.comm, request);
  }
#endif
  const auto count = static_cast<int>(call.count);
  return host.Recv_init(call.buffer, count, call.datatype, peer, call.tag, call.comm, request);
}

}  // namespace

int init_send(const SendCall& call, MPI_Request* request) {
  const VirtualComm* comm = lookup(call.comm);
  if (comm == nullptr) return init_by_host(call, call.peer, request);
  const Peer peer = destination(*comm, call.peer);
  if (peer == Peer::invalid) return raise(call.comm, MPI_ERR_RANK);
  if (peer == Peer::remote) return init_remote(call, *comm, request);
  return init_by_host(call, to_host(*comm, call.peer), request);
}

int init_receive(const ReceiveCall& call, MPI_Request* request) {
  const VirtualComm* comm = lookup(call.comm);
  if (comm == nullptr) return init_receive_by_host(call, call.peer, request);
  const Peer peer = origin(*comm, call.peer);
  if (const int error = check_source(call, *comm, peer); error != MPI_SUCCESS) return error;
  // Where wildcards match here, a receive that the host starts by itself could overtake one.
  if (peer == Peer::nobody || (peer != Peer::remote && !comm->has_inflow())) {
    const int error = init_receive_by_host(call, to_host(*comm, call.peer), request);
    if (error == MPI_SUCCESS && peer != Peer::nobody) translate_later(*comm, *request);
    return error;
  }
  int error = MPI_SUCCESS;
  auto made = make_receive(call, *comm, &error);
  if (made == nullptr) return error;
  error = hand_out_persistent(*made, request);
  MpiReceive& receive = *made.release();
  if (error != MPI_SUCCESS) destroy_receive(receive);
  return error;
}

namespace mediated {

int Send_init(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
              MPI_Request* request) {
  return init_send({"MPI_Send_init", buf, count, datatype, dest, tag, comm}, request);
}

int Bsend_init(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
               MPI_Request* request) {
  return init_send({"MPI_Bsend_init", buf, count, datatype, dest, tag, comm, SendMode::buffered}, request);
}

int Rsend_init(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
               MPI_Request* request) {
  return init_send({"MPI_Rsend_init", buf, count, datatype, dest, tag, comm, SendMode::ready}, request);
}

int Ssend_init(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
               MPI_Request* request) {
  return init_send({"MPI_Ssend_init", buf, count, datatype, dest, tag, comm, SendMode::synchronous}, request);
}

int Recv_init(void* buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm, MPI_Request* request) {
  return init_receive({"MPI_Recv_init", buf, count, datatype, source, tag, comm}, request);
}

}  // namespace mediated

}  // namespace sluice::interpose
