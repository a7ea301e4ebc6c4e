// Sends: inside the subject by the host MPI, to another subject through the transmit ring.
#include <algorithm>
#include <limits>
#include <memory>
#include <new>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/message_writer.hpp"
#include "untrusted/interpose/peer.hpp"
#include "untrusted/interpose/progress.hpp"

namespace sluice::interpose {

namespace {

/// Bytes that are packed at a time.
constexpr std::uint64_t kPackBytes = 1 << 20;

struct SendCall {
  const char* name;
  const void* buffer;
  int count;
  MPI_Datatype datatype;
  int peer;
  int tag;
  MPI_Comm comm;
  bool synchronous = false;
};

using BlockingSend = int (*)(const void*, int, MPI_Datatype, int, int, MPI_Comm);
using StartSend = int (*)(const void*, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);

/// Packs and writes a message whose bytes do not lie in order. Returns an MPI error, before anything is written.
int write_packed(MessageWriter& writer, const SendCall& call, const Layout& layout) {
  const int step = std::min(elements_in(kPackBytes, layout), call.count);
  const std::uint64_t room = static_cast<std::uint64_t>(step) * layout.size;
  if (room > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) return MPI_ERR_COUNT;
  const std::unique_ptr<std::byte[]> staging(new (std::nothrow) std::byte[room]);
  if (staging == nullptr) return MPI_ERR_NO_MEM;
  for (int done = 0; done < call.count;) {
    const int count = std::min(step, call.count - done);
    int position = 0;
    const int error = PMPI_Pack(element(call.buffer, done, layout), count, call.datatype, staging.get(),
                                static_cast<int>(room), &position, layer.self);
    if (error != MPI_SUCCESS ||
        static_cast<std::uint64_t>(position) != static_cast<std::uint64_t>(count) * layout.size) {
      if (done != 0) die("MPI_Pack failed inside a message");
      return error != MPI_SUCCESS ? error : MPI_ERR_TYPE;
    }
    writer.append(staging.get(), static_cast<std::uint64_t>(position));
    done += count;
  }
  return MPI_SUCCESS;
}

/// Refuses what the policy, or this version, does not let a rank send. MPI_SUCCESS if nothing is in the way.
int refuse_remote(const SendCall& call, const VirtualComm& comm) {
  const PrivilegeView& table = layer.session.table;
  const std::uint32_t rank = to_world(comm, call.peer);
  if (table.capability(rank) == wire::kNoCapability) return refuse_send(call.name, rank, call.comm);
  if (!call.synchronous) return MPI_SUCCESS;
  const std::uint32_t subject = table.subject_of(rank);
  const std::string to = " to rank " + std::to_string(rank) + " of " + describe_subject(subject);
  if (table.from(subject).allowed != 0) {
    return refuse_because(call.name, "synchronous sends" + to + " are not carried yet. Use MPI_Send", call.comm);
  }
  return refuse_because(call.name,
                        "completion of a synchronous send" + to + " would tell " + describe_subject(table.self()) +
                            " of the receiver, and there is no flow back",
                        call.comm, table.to(subject).policy_line, "Use MPI_Send");
}

int check_arguments(const SendCall& call, const Layout& layout) {
  if (layout.error != MPI_SUCCESS) return layout.error;
  if (call.count < 0) return MPI_ERR_COUNT;
  if (call.tag < 0 || call.tag > layer.tag_bound) return MPI_ERR_TAG;
  if (layout.contiguous && call.buffer == nullptr && call.count > 0 && layout.size > 0) return MPI_ERR_BUFFER;
  if (static_cast<std::uint64_t>(call.count) * layout.size > wire::kMaxMessageBytes) return MPI_ERR_COUNT;
  return MPI_SUCCESS;
}

/// Sends to another subject: complete when it returns.
int send_remote(const SendCall& call, const VirtualComm& comm) {
  if (const int refused = refuse_remote(call, comm); refused != MPI_SUCCESS) return refused;
  const Layout layout = layout_of(call.datatype);
  int error = check_arguments(call, layout);
  if (error == layout.error && error != MPI_SUCCESS) return error;  // the host has called the error handler
  if (error == MPI_SUCCESS) {
    const std::uint64_t extent = static_cast<std::uint64_t>(call.count) * layout.size;
    const Lock lock;
    MessageWriter writer(to_world(comm, call.peer), comm.on(Channel::point_to_point), call.tag, extent);
    if (layout.contiguous || extent == 0) {
      writer.append(static_cast<const std::byte*>(call.buffer), extent);
    } else {
      error = write_packed(writer, call, layout);
    }
  }
  return error == MPI_SUCCESS ? error : raise(call.comm, error);
}

int blocking_send(SendCall call, BlockingSend direct, StartSend start) {
  if (const VirtualComm* comm = lookup(call.comm)) {
    const Peer peer = destination(*comm, call.peer);
    if (peer == Peer::remote) return send_remote(call, *comm);
    if (peer == Peer::invalid) return raise(call.comm, MPI_ERR_RANK);
    call.peer = to_host(*comm, call.peer);
  }
  if (!local_messages_wanted() || start == nullptr) {
    return direct(call.buffer, call.count, call.datatype, call.peer, call.tag, call.comm);
  }
  MPI_Request request = MPI_REQUEST_NULL;
  const int error = start(call.buffer, call.count, call.datatype, call.peer, call.tag, call.comm, &request);
  return error != MPI_SUCCESS ? error : wait_for_host(&request, MPI_STATUS_IGNORE);
}

int start_send(SendCall call, StartSend start, MPI_Request* request) {
  const VirtualComm* comm = lookup(call.comm);
  if (comm == nullptr) return start(call.buffer, call.count, call.datatype, call.peer, call.tag, call.comm, request);
  const Peer peer = destination(*comm, call.peer);
  if (peer == Peer::invalid) return raise(call.comm, MPI_ERR_RANK);
  if (peer != Peer::remote) {
    call.peer = to_host(*comm, call.peer);
    return start(call.buffer, call.count, call.datatype, call.peer, call.tag, call.comm, request);
  }
  const int error = send_remote(call, *comm);
  if (error != MPI_SUCCESS) return error;
  // Complete already: the host's own cheapest request that is.
  return host.Isend(nullptr, 0, MPI_BYTE, MPI_PROC_NULL, 0, comm->host, request);
}

}  // namespace

namespace mediated {

int Send(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Send", buf, count, datatype, dest, tag, comm}, host.Send, host.Isend);
}

int Bsend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Bsend", buf, count, datatype, dest, tag, comm}, host.Bsend, nullptr);
}

int Rsend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Rsend", buf, count, datatype, dest, tag, comm}, host.Rsend, host.Irsend);
}

int Ssend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Ssend", buf, count, datatype, dest, tag, comm, true}, host.Ssend, host.Issend);
}

int Isend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm, MPI_Request* request) {
  return start_send({"MPI_Isend", buf, count, datatype, dest, tag, comm}, host.Isend, request);
}

int Ibsend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm, MPI_Request* request) {
  return start_send({"MPI_Ibsend", buf, count, datatype, dest, tag, comm}, host.Ibsend, request);
}

int Irsend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm, MPI_Request* request) {
  return start_send({"MPI_Irsend", buf, count, datatype, dest, tag, comm}, host.Irsend, request);
}

int Issend(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm, MPI_Request* request) {
  return start_send({"MPI_Issend", buf, count, datatype, dest, tag, comm, true}, host.Issend, request);
}

}  // namespace mediated

}  // namespace sluice::interpose
