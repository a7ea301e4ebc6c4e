// MPI_Sendrecv and MPI_Sendrecv_replace.
#include "untrusted/interpose/point_to_point/sendrecv.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/large_count.hpp"
#include "untrusted/interpose/point_to_point/receive_call.hpp"
#include "untrusted/interpose/point_to_point/send_call.hpp"

namespace sluice::interpose {

namespace {

/// The status of a receive from nobody (MPI 3.1, section 3.11). MPICH leaves it as it was in a call of both directions.
void set_empty(MPI_Status* status) {
  if (status == MPI_STATUS_IGNORE) return;
  status->MPI_SOURCE = MPI_PROC_NULL;
  status->MPI_TAG = MPI_ANY_TAG;
  PMPI_Status_set_elements(status, MPI_BYTE, 0);
  PMPI_Status_set_cancelled(status, 0);
}

/// Whether both halves may go to the host MPI in one call.
bool both_by_host(const VirtualComm* comm, const SendCall& send, const ReceiveCall& receive) {
  if (local_messages_wanted() || !fits_int(send.count) || !fits_int(receive.count)) return false;
  if (comm == nullptr) return true;
  const Peer to = destination(*comm, send.peer);
  const Peer from = origin(*comm, receive.peer);
  return (to == Peer::local || to == Peer::nobody) &&
         (from == Peer::local || from == Peer::nobody || from == Peer::anyone_here);
}

int sendrecv_by_host(const SendCall& send, const ReceiveCall& receive, const VirtualComm* comm, MPI_Status* status) {
  const int to = comm != nullptr ? to_host(*comm, send.peer) : send.peer;
  const int from = comm != nullptr ? to_host(*comm, receive.peer) : receive.peer;
  const int error =
      host.Sendrecv(send.buffer, static_cast<int>(send.count), send.datatype, to, send.tag, receive.buffer,
                    static_cast<int>(receive.count), receive.datatype, from, receive.tag, send.comm, status);
  if (comm != nullptr) source_to_virtual(*comm, status);
  if (receive.peer == MPI_PROC_NULL) set_empty(status);
  return error;
}

}  // namespace

int check_sendrecv(const SendCall& send, const ReceiveCall& receive, const VirtualComm& comm) {
  const Peer to = destination(comm, send.peer);
  const Peer from = origin(comm, receive.peer);
  if (to == Peer::invalid || from == Peer::invalid) return raise(send.comm, MPI_ERR_RANK);
  Layout layout{};
  if (to == Peer::remote) {
    if (const int error = check_send(send, comm, layout); error != MPI_SUCCESS) return error;
  }
  return check_source(receive, comm, from);
}

int sendrecv(const SendCall& send_call, const ReceiveCall& receive_call, MPI_Status* status) {
  const VirtualComm* comm = lookup(send_call.comm);
  if (both_by_host(comm, send_call, receive_call)) return sendrecv_by_host(send_call, receive_call, comm, status);
  if (comm != nullptr) {
    if (const int error = check_sendrecv(send_call, receive_call, *comm); error != MPI_SUCCESS) return error;
  }
  MPI_Request request = MPI_REQUEST_NULL;
  int error = start_receive(receive_call, &request);
  if (error != MPI_SUCCESS) return error;
  error = blocking_send(send_call);
  if (error != MPI_SUCCESS) {
    mediated::Cancel(&request);
    mediated::Request_free(&request);
    return error;
  }
  error = mediated::Wait(&request, status);
  if (receive_call.peer == MPI_PROC_NULL) set_empty(status);
  return error;
}

std::unique_ptr<std::byte[]> copy_for_replace(SendCall& send, int* error) {
  const Layout layout = layout_of(send.datatype);
  *error = layout.error;
  if (*error != MPI_SUCCESS) return nullptr;
  const auto count = static_cast<std::uint64_t>(send.count);
  if (send.count < 0 || (layout.size != 0 && count > wire::kMaxMessageBytes / layout.size)) {
    *error = raise(send.comm, MPI_ERR_COUNT);
    return nullptr;
  }
  const std::uint64_t bytes = count * layout.size;
  std::unique_ptr<std::byte[]> copy(new (std::nothrow) std::byte[bytes + 1]);
  if (copy == nullptr) {
    *error = raise(send.comm, MPI_ERR_NO_MEM);
    return nullptr;
  }
  const std::int64_t step = elements_in(std::uint64_t{1} << 30, layout);
  for (std::int64_t done = 0; bytes != 0 && done < send.count; done += step) {
    const std::int64_t some = std::min<std::int64_t>(step, send.count - done);
    *error = pack(send.buffer, done, some, send.datatype, layout,
                  copy.get() + static_cast<std::uint64_t>(done) * layout.size);
    if (*error == MPI_SUCCESS) continue;
    *error = raise(send.comm, *error);
    return nullptr;
  }
#ifndef SLUICE_LARGE_COUNTS
  const VirtualComm* comm = lookup(send.comm);
  if (!fits_int(static_cast<MPI_Count>(bytes)) && (comm == nullptr || destination(*comm, send.peer) != Peer::remote)) {
    *error = raise(send.comm, MPI_ERR_COUNT);  // the host MPI cannot take the copy in one count
    return nullptr;
  }
#endif
  send.buffer = copy.get();
  send.count = static_cast<MPI_Count>(bytes);
  send.datatype = MPI_PACKED;  // matches any datatype
  return copy;
}

int sendrecv_replace(SendCall send_call, const ReceiveCall& receive_call, MPI_Status* status) {
  if (const VirtualComm* comm = lookup(send_call.comm)) {
    if (const int error = check_sendrecv(send_call, receive_call, *comm); error != MPI_SUCCESS) return error;
  }
  int error = MPI_SUCCESS;
  const auto copy = copy_for_replace(send_call, &error);
  return error == MPI_SUCCESS ? sendrecv(send_call, receive_call, status) : error;
}

namespace mediated {

int Sendrecv(const void* sendbuf, int sendcount, MPI_Datatype sendtype, int dest, int sendtag, void* recvbuf,
             int recvcount, MPI_Datatype recvtype, int source, int recvtag, MPI_Comm comm, MPI_Status* status) {
  return sendrecv({"MPI_Sendrecv", sendbuf, sendcount, sendtype, dest, sendtag, comm},
                  {"MPI_Sendrecv", recvbuf, recvcount, recvtype, source, recvtag, comm}, status);
}

int Sendrecv_replace(void* buf, int count, MPI_Datatype datatype, int dest, int sendtag, int source, int recvtag,
                     MPI_Comm comm, MPI_Status* status) {
  return sendrecv_replace({"MPI_Sendrecv_replace", buf, count, datatype, dest, sendtag, comm},
                          {"MPI_Sendrecv_replace", buf, count, datatype, source, recvtag, comm}, status);
}

}  // namespace mediated

}  // namespace sluice::interpose
