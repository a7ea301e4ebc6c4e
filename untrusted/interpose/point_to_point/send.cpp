// Sends: inside the subject by the host MPI, to another subject through the transmit ring.
#include <algorithm>
#include <memory>
#include <new>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/bsend_buffer.hpp"
#include "untrusted/interpose/point_to_point/large_count.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"
#include "untrusted/interpose/point_to_point/send_call.hpp"
#include "untrusted/interpose/transport/message_writer.hpp"

namespace sluice::interpose {

namespace {

/// Bytes that are packed at a time.
constexpr std::uint64_t kPackBytes = 1 << 20;

/// Packs and writes a message whose bytes do not lie in order. Returns an MPI error, before anything is written.
int write_packed(MessageWriter& writer, const SendCall& call, const Layout& layout) {
  const std::int64_t step = std::min<std::int64_t>(elements_in(kPackBytes, layout), call.count);
  const std::unique_ptr<std::byte[]> staging(new (std::nothrow)
                                                 std::byte[static_cast<std::uint64_t>(step) * layout.size]);
  if (staging == nullptr) return MPI_ERR_NO_MEM;
  for (std::int64_t done = 0; done < call.count;) {
    const std::int64_t count = std::min<std::int64_t>(step, call.count - done);
    const int error = pack(call.buffer, done, count, call.datatype, layout, staging.get());
    if (error != MPI_SUCCESS && done != 0) die("MPI_Pack failed inside a message");
    if (error != MPI_SUCCESS) return error;
    writer.append(staging.get(), static_cast<std::uint64_t>(count) * layout.size);
    done += count;
  }
  return MPI_SUCCESS;
}

/// Refuses what the policy does not let a rank send. MPI_SUCCESS if nothing is in the way.
int refuse_by_policy(const SendCall& call, const VirtualComm& comm) {
  const PrivilegeView& table = layer.session.table;
  const std::uint32_t rank = to_world(comm, call.peer);
  if (table.capability(rank) == wire::kNoCapability) return refuse_send(call.name, rank, call.comm);
  const std::uint32_t subject = table.subject_of(rank);
  if (call.mode != SendMode::synchronous || table.from(subject).allowed != 0) return MPI_SUCCESS;
  const std::string to = " to rank " + std::to_string(rank) + " of " + describe_subject(subject);
  return refuse_because(call.name,
                        "completion of a synchronous send" + to + " would tell " + describe_subject(table.self()) +
                            " of the receiver, and there is no flow back",
                        call.comm, table.to(subject).policy_line, "Use MPI_Send");
}

int check_arguments(const SendCall& call, const Layout& layout) {
  if (call.count < 0) return MPI_ERR_COUNT;
  if (call.tag < 0 || call.tag > layer.tag_bound) return MPI_ERR_TAG;
  if (layout.contiguous && call.buffer == nullptr && call.count > 0 && layout.size > 0) return MPI_ERR_BUFFER;
  std::uint64_t bytes = 0;  // not compared with a quotient: dividing takes longer than all the rest
  if (__builtin_mul_overflow(static_cast<std::uint64_t>(call.count), layout.size, &bytes)) return MPI_ERR_COUNT;
  if (bytes > wire::kMaxMessageBytes) return MPI_ERR_COUNT;
  if (call.mode == SendMode::buffered && !bsend_buffer_holds(bytes)) return MPI_ERR_BUFFER;
  return MPI_SUCCESS;
}

/// Only synchronous sends wait; they cannot be cancelled, as the message is on its way.
const OwnKind kSend{destroy_send};

/// Synchronous, blocking.
int send_and_wait(const SendCall& call, const VirtualComm& comm, const Layout& layout) {
  RemoteSend waiting(kSend, call);
  const int error = write_message(call, comm, layout, context_of(call, comm), &waiting);
  if (error != MPI_SUCCESS) return error;
  wait_for_own(waiting);
  return waiting.error;
}

int send_remote(const SendCall& call, const VirtualComm& comm) {
  Layout layout{};
  if (const int error = check_send(call, comm, layout); error != MPI_SUCCESS) return error;
  const int error = call.mode == SendMode::synchronous
                        ? send_and_wait(call, comm, layout)
                        : write_message(call, comm, layout, context_of(call, comm), nullptr);
  return error == MPI_SUCCESS ? error : raise(call.comm, error);
}

/// Synchronous, with a request.
int start_synchronous(const SendCall& call, const VirtualComm& comm, MPI_Request* request) {
  int error = MPI_SUCCESS;
  auto made = make_send(kSend, call, comm, &error);
  if (made == nullptr) return error;
  if (error = hand_out(*made, request); error != MPI_SUCCESS) return error;
  RemoteSend& send = *made.release();
  error = write_message(send.call, comm, send.layout, send.context, &send);
  if (error == MPI_SUCCESS) return error;
  mediated::Request_free(request);
  {
    const Lock lock;
    settle(send);
  }
  return raise(call.comm, error);
}

using Blocking = int (*HostTable::*)(const void*, int, MPI_Datatype, int, int, MPI_Comm);
using Starting = int (*HostTable::*)(const void*, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);
// By SendMode.
constexpr Blocking kBlocking[] = {&HostTable::Send, &HostTable::Bsend, &HostTable::Rsend, &HostTable::Ssend};
constexpr Starting kStarting[] = {&HostTable::Isend, &HostTable::Ibsend, &HostTable::Irsend, &HostTable::Issend};
#ifdef SLUICE_LARGE_COUNTS
using LargeBlocking = int (*HostTable::*)(const void*, MPI_Count, MPI_Datatype, int, int, MPI_Comm);
using LargeStarting = int (*HostTable::*)(const void*, MPI_Count, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);
constexpr LargeBlocking kLargeBlocking[] = {&HostTable::Send_c, &HostTable::Bsend_c, &HostTable::Rsend_c,
                                            &HostTable::Ssend_c};
constexpr LargeStarting kLargeStarting[] = {&HostTable::Isend_c, &HostTable::Ibsend_c, &HostTable::Irsend_c,
                                            &HostTable::Issend_c};
#endif

/// `peer`: see start_by_host().
int send_by_host(const SendCall& call, int peer) {
  const auto mode = static_cast<std::size_t>(call.mode);
#ifdef SLUICE_LARGE_COUNTS
  if (!fits_int(call.count)) {
    return (host.*kLargeBlocking[mode])(call.buffer, call.count, call.datatype, peer, call.tag, call.comm);
  }
#endif
  const auto count = static_cast<int>(call.count);
  return (host.*kBlocking[mode])(call.buffer, count, call.datatype, peer, call.tag, call.comm);
}

}  // namespace

int check_send(const SendCall& call, const VirtualComm& comm, Layout& layout) {
  if (const int refused = refuse_by_policy(call, comm); refused != MPI_SUCCESS) return refused;
  layout = layout_of(call.datatype);
  if (layout.error != MPI_SUCCESS) return layout.error;  // the host has called the error handler
  const int error = check_arguments(call, layout);
  return error == MPI_SUCCESS ? error : raise(call.comm, error);
}

std::uint64_t context_of(const SendCall& call, const VirtualComm& comm) noexcept {
  return comm.on(call.mode == SendMode::synchronous ? Channel::synchronous : Channel::point_to_point);
}

int write_message(const SendCall& call, const VirtualComm& comm, const Layout& layout, std::uint64_t context,
                  SynchronousSend* acknowledged) {
  const std::uint64_t extent = static_cast<std::uint64_t>(call.count) * layout.size;
  const std::uint32_t receiver = to_world(comm, call.peer);
  const Lock lock;
  {
    MessageWriter writer(receiver, context, call.tag, extent);
    if (layout.contiguous || extent == 0) {
      writer.append(static_cast<const std::byte*>(call.buffer), extent);
    } else if (const int error = write_packed(writer, call, layout); error != MPI_SUCCESS) {
      return error;
    }
  }
  if (acknowledged != nullptr) layer.synchronous.expect(*acknowledged, receiver);
  return MPI_SUCCESS;
}

std::unique_ptr<RemoteSend> make_send(const OwnKind& kind, const SendCall& call, const VirtualComm& comm, int* error) {
  auto made = std::unique_ptr<RemoteSend>(new (std::nothrow) RemoteSend(kind, call));
  if (made == nullptr) {
    *error = raise(call.comm, MPI_ERR_NO_MEM);
    return nullptr;
  }
  *error = fill_send(*made, comm);
  return *error == MPI_SUCCESS ? std::move(made) : nullptr;
}

int fill_send(RemoteSend& send, const VirtualComm& comm) {
  if (const int error = check_send(send.call, comm, send.layout); error != MPI_SUCCESS) return error;
  send.comm = &comm;
  send.error_comm = comm.host;
  send.context = context_of(send.call, comm);
  send.status.MPI_SOURCE = MPI_ANY_SOURCE;
  send.status.MPI_TAG = MPI_ANY_TAG;
  PMPI_Status_set_elements_x(&send.status, MPI_BYTE, 0);
  PMPI_Status_set_cancelled(&send.status, 0);
  return MPI_SUCCESS;
}

int keep_datatype(RemoteSend& send) {
  if (send.layout.predefined) return MPI_SUCCESS;
  const int error = PMPI_Type_dup(send.call.datatype, &send.call.datatype);
  send.owns_datatype = error == MPI_SUCCESS;
  return error;
}

void destroy_send(OwnRequest& own) noexcept {
  auto& send = static_cast<RemoteSend&>(own);
  if (send.owns_datatype) PMPI_Type_free(&send.call.datatype);
  delete &send;
}

int start_by_host(const SendCall& call, int peer, MPI_Request* request) {
  const auto mode = static_cast<std::size_t>(call.mode);
#ifdef SLUICE_LARGE_COUNTS
  if (!fits_int(call.count)) {
    return (host.*kLargeStarting[mode])(call.buffer, call.count, call.datatype, peer, call.tag, call.comm, request);
  }
#endif
  const auto count = static_cast<int>(call.count);
  return (host.*kStarting[mode])(call.buffer, count, call.datatype, peer, call.tag, call.comm, request);
}

int blocking_send(const SendCall& call) {
  int host_peer = call.peer;
  if (const VirtualComm* comm = lookup(call.comm)) {
    const Peer peer = destination(*comm, call.peer);
    if (peer == Peer::remote) return send_remote(call, *comm);
    if (peer == Peer::invalid) return raise(call.comm, MPI_ERR_RANK);
    host_peer = to_host(*comm, call.peer);
  }
  // A buffered send does not block.
  if (!local_messages_wanted() || call.mode == SendMode::buffered) return send_by_host(call, host_peer);
  MPI_Request request = MPI_REQUEST_NULL;
  const int error = start_by_host(call, host_peer, &request);
  return error != MPI_SUCCESS ? error : wait_for_host(&request, MPI_STATUS_IGNORE);
}

int start_send(const SendCall& call, MPI_Request* request) {
  const VirtualComm* comm = lookup(call.comm);
  if (comm == nullptr) return start_by_host(call, call.peer, request);
  const Peer peer = destination(*comm, call.peer);
  if (peer == Peer::invalid) return raise(call.comm, MPI_ERR_RANK);
  if (peer != Peer::remote) return start_by_host(call, to_host(*comm, call.peer), request);
  if (call.mode == SendMode::synchronous) return start_synchronous(call, *comm, request);
  const int error = send_remote(call, *comm);
  if (error != MPI_SUCCESS) return error;
  // Complete already: the host's own cheapest request that is.
  return host.Isend(nullptr, 0, MPI_BYTE, MPI_PROC_NULL, 0, comm->host, request);
}

namespace mediated {

int Send(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Send", buf, count, datatype, dest, tag, comm});
}

int Bsend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Bsend", buf, count, datatype, dest, tag, comm, SendMode::buffered});
}

int Rsend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Rsend", buf, count, datatype, dest, tag, comm, SendMode::ready});
}

int Ssend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Ssend", buf, count, datatype, dest, tag, comm, SendMode::synchronous});
}

int Isend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm, MPI_Request* request) {
  return start_send({"MPI_Isend", buf, count, datatype, dest, tag, comm}, request);
}

int Ibsend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm, MPI_Request* request) {
  return start_send({"MPI_Ibsend", buf, count, datatype, dest, tag, comm, SendMode::buffered}, request);
}

int Irsend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm, MPI_Request* request) {
  return start_send({"MPI_Irsend", buf, count, datatype, dest, tag, comm, SendMode::ready}, request);
}

int Issend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm, MPI_Request* request) {
  return start_send({"MPI_Issend", buf, count, datatype, dest, tag, comm, SendMode::synchronous}, request);
}

}  // namespace mediated

}  // namespace sluice::interpose
