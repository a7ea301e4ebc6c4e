// Probes. On a communicator that spans subjects a message may wait with the host MPI or in the unexpected queue.
#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/probe_call.hpp"

namespace sluice::interpose {

namespace {

/// Looks for a message of the own subject that no queued receive takes.
int look_here(const ProbeCall& call, const VirtualComm& comm, int* flag, MPI_Status* status) {
  for (;;) {
    MPI_Status found{};
    const int error = host.Iprobe(to_host(comm, call.peer), call.tag, comm.host, flag, &found);
    if (error != MPI_SUCCESS || *flag == 0) return error;
    source_to_virtual(comm, &found);
    if (found.MPI_SOURCE >= 0 && local_messages_wanted()) {
      const Lock lock;
      if (is_claimed(envelope(comm, found.MPI_SOURCE, found.MPI_TAG))) {
        progress();  // gives it to that receive
        continue;
      }
    }
    copy_status(status, found);
    return MPI_SUCCESS;
  }
}

/// Looks for a message of another subject.
int look_elsewhere(const ProbeCall& call, const VirtualComm& comm, int* flag, MPI_Status* status) {
  const Envelope wanted = envelope(comm, call.peer, call.tag);
  int error = MPI_SUCCESS;
  {
    const Lock lock;
    progress();
    const Unexpected* message = layer.incoming.find(wanted);
    *flag = message != nullptr ? 1 : 0;
    if (message != nullptr) {
      if (status != MPI_STATUS_IGNORE) fill_status(*status, comm, message->envelope, message->extent, false);
      return MPI_SUCCESS;
    }
    if (is_hopeless(call, comm)) error = ended_error(wanted.source);
  }
  return error == MPI_SUCCESS ? error : raise(call.comm, error);
}

/// One look for a message. Precondition: check_probe() has passed.
int look(const ProbeCall& call, const VirtualComm& comm, Peer peer, int* flag, MPI_Status* status) {
  if (peer == Peer::remote) return look_elsewhere(call, comm, flag, status);
  if (peer != Peer::anyone) return look_here(call, comm, flag, status);
  const bool first = here_first(call, comm);
  for (const bool here : {first, !first}) {
    const int error = here ? look_here(call, comm, flag, status) : look_elsewhere(call, comm, flag, status);
    if (error != MPI_SUCCESS || *flag != 0) return error;
  }
  return MPI_SUCCESS;
}

}  // namespace

int check_probe(const ProbeCall& call, const VirtualComm& comm, Peer peer) {
  if (peer == Peer::invalid) return raise(call.comm, MPI_ERR_RANK);
  if (peer != Peer::remote) return MPI_SUCCESS;
  const PrivilegeView& table = layer.session.table;
  const std::uint32_t rank = to_world(comm, call.peer);
  if (table.from(table.subject_of(rank)).allowed == 0) return refuse_receive(call.name, rank, call.comm);
  return call.tag < 0 && call.tag != MPI_ANY_TAG ? raise(call.comm, MPI_ERR_TAG) : MPI_SUCCESS;
}

bool is_hopeless(const ProbeCall& call, const VirtualComm& comm) {
  const Envelope wanted = envelope(comm, call.peer, call.tag);
  const bool self_may_send = !call.waits && wanted.source == kAnySource && !comm.is_inter();
  return !self_may_send && layer.incoming.exhausted(wanted, &comm.any_source);
}

void progress_if_wanted() {
  if (!local_messages_wanted()) return;
  start_due();
  const Lock lock;
  progress();
}

bool here_first(const ProbeCall& call, const VirtualComm& comm) {
  const Lock lock;
  layer.host_turn = !layer.host_turn;
  // What a rank has sent to itself comes before the end of everybody else.
  return layer.host_turn || layer.incoming.exhausted(envelope(comm, call.peer, call.tag), &comm.any_source);
}

namespace mediated {

int Iprobe(int source, int tag, MPI_Comm comm, int* flag, MPI_Status* status) {
  progress_if_wanted();
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr) return host.Iprobe(source, tag, comm, flag, status);
  const ProbeCall call{"MPI_Iprobe", source, tag, comm};
  const Peer peer = origin(*spanning, source);
  if (const int error = check_probe(call, *spanning, peer); error != MPI_SUCCESS) return error;
  const int error = look(call, *spanning, peer, flag, status);
  if (error == MPI_SUCCESS && *flag == 0 && peer == Peer::remote) drive_host();
  return error;
}

int Probe(int source, int tag, MPI_Comm comm, MPI_Status* status) {
  const VirtualComm* spanning = lookup(comm);
  const ProbeCall call{"MPI_Probe", source, tag, comm, true};
  const Peer peer = spanning != nullptr ? origin(*spanning, source) : Peer::local;
  if (spanning != nullptr) {
    if (const int error = check_probe(call, *spanning, peer); error != MPI_SUCCESS) return error;
  }
  Waiter waiter;
  for (;;) {
    int flag = 0;
    const int error = spanning != nullptr ? look(call, *spanning, peer, &flag, status)
                                          : host.Iprobe(source, tag, comm, &flag, status);
    if (error != MPI_SUCCESS || flag != 0) return error;
    wait_turn(waiter);
  }
}

}  // namespace mediated

}  // namespace sluice::interpose
