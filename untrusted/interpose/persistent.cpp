// Persistent point-to-point requests: inside the subject only.
#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/peer.hpp"

namespace sluice::interpose {

namespace {

using SendInit = int (*)(const void*, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);

/// `from` and `to` are subjects between which messages may flow.
int refuse_persistent(const char* function, std::uint32_t from, std::uint32_t to, std::uint32_t line, MPI_Comm comm) {
  const std::string reason =
      "persistent requests from " + describe_subject(from) + " to " + describe_subject(to) + " are not carried";
  return refuse_because(function, reason, comm, line, "Use MPI_Isend and MPI_Irecv");
}

/// Whatever the source: it is a wildcard, or another subject, or a local rank while wildcards match here.
int refuse_recv_init(int source, Peer peer, const VirtualComm& comm) {
  const PrivilegeView& table = layer.session.table;
  if (peer != Peer::remote) {
    const char* reason = "persistent receives are not carried on a communicator of several subjects";
    return refuse_because("MPI_Recv_init", reason, comm.host, 0, "Use MPI_Irecv, or MPI_COMM_SUBJECT");
  }
  const std::uint32_t rank = to_world(comm, source);
  const std::uint32_t subject = table.subject_of(rank);
  if (table.from(subject).allowed == 0) return refuse_receive("MPI_Recv_init", rank, comm.host);
  return refuse_persistent("MPI_Recv_init", subject, table.self(), table.from(subject).policy_line, comm.host);
}

int send_init(const char* name, SendInit direct, const void* buf, int count, MPI_Datatype datatype, int dest, int tag,
              MPI_Comm comm, MPI_Request* request) {
  if (const VirtualComm* spanning = lookup(comm)) {
    const Peer peer = destination(*spanning, dest);
    if (peer == Peer::invalid) return raise(comm, MPI_ERR_RANK);
    if (peer == Peer::remote) {
      const std::uint32_t rank = to_world(*spanning, dest);
      if (layer.session.table.capability(rank) == wire::kNoCapability) return refuse_send(name, rank, comm);
      const PrivilegeView& table = layer.session.table;
      const std::uint32_t subject = table.subject_of(rank);
      return refuse_persistent(name, table.self(), subject, table.to(subject).policy_line, comm);
    }
    dest = to_host(*spanning, dest);
  }
  return direct(buf, count, datatype, dest, tag, comm, request);
}

}  // namespace

namespace mediated {

int Send_init(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
              MPI_Request* request) {
  return send_init("MPI_Send_init", host.Send_init, buf, count, datatype, dest, tag, comm, request);
}

int Bsend_init(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
               MPI_Request* request) {
  return send_init("MPI_Bsend_init", host.Bsend_init, buf, count, datatype, dest, tag, comm, request);
}

int Rsend_init(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
               MPI_Request* request) {
  return send_init("MPI_Rsend_init", host.Rsend_init, buf, count, datatype, dest, tag, comm, request);
}

int Ssend_init(const void* buf, int count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
               MPI_Request* request) {
  return send_init("MPI_Ssend_init", host.Ssend_init, buf, count, datatype, dest, tag, comm, request);
}

int Recv_init(void* buf, int count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm, MPI_Request* request) {
  if (const VirtualComm* spanning = lookup(comm)) {
    const Peer peer = origin(*spanning, source);
    if (peer == Peer::invalid) return raise(comm, MPI_ERR_RANK);
    // Where wildcards match here, a receive that the host starts by itself could overtake one.
    if (peer != Peer::nobody && (peer == Peer::remote || spanning->has_inflow())) {
      return refuse_recv_init(source, peer, *spanning);
    }
    source = to_host(*spanning, source);
    const int error = host.Recv_init(buf, count, datatype, source, tag, comm, request);
    if (error == MPI_SUCCESS && spanning->renumbers() && peer != Peer::nobody) {
      const Lock lock;
      layer.requests.set(handle_bits(*request),
                         {TrackedRequest::Kind::translate, ++layer.request_serial, nullptr, spanning});
      publish_tracked();
    }
    return error;
  }
  return host.Recv_init(buf, count, datatype, source, tag, comm, request);
}

}  // namespace mediated

}  // namespace sluice::interpose
