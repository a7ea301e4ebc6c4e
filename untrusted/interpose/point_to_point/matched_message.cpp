// MPI_Mprobe, MPI_Improbe, MPI_Mrecv, MPI_Imrecv.
#include "untrusted/interpose/point_to_point/matched_message.hpp"

#include <memory>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/large_count.hpp"
#include "untrusted/interpose/point_to_point/probe_call.hpp"
#include "untrusted/interpose/point_to_point/receive_call.hpp"

namespace sluice::interpose {

namespace {

/// Of messages to oneself on layer.self, apart from those that copy (untrusted/interpose/point_to_point/datatype.cpp).
constexpr int kMintTag = 1;

void publish_messages() { gate.messages.store(static_cast<int>(layer.messages.size()), std::memory_order_relaxed); }

/// Makes a handle that no other message has. Precondition: locked.
int mint(MPI_Message* message, MPI_Request* sent) {
  const int error = host.Isend(nullptr, 0, MPI_BYTE, 0, kMintTag, layer.self, sent);
  if (error != MPI_SUCCESS) return error;
  return host.Mprobe(0, kMintTag, layer.self, message, MPI_STATUS_IGNORE);
}

/// Gives such a handle back. Precondition: locked.
void unmint(MPI_Message* message, MPI_Request sent) {
  host.Mrecv(nullptr, 0, MPI_BYTE, message, MPI_STATUS_IGNORE);
  host.Wait(&sent, MPI_STATUS_IGNORE);
}

/// Takes a message of the own subject that no queued receive takes.
int match_here(const ProbeCall& call, const VirtualComm& comm, int* flag, MPI_Message* message, MPI_Status* status) {
  const Lock lock;
  for (;;) {
    MPI_Status found{};
    const int error = host.Improbe(to_host(comm, call.peer), call.tag, comm.host, flag, message, &found);
    if (error != MPI_SUCCESS || *flag == 0) return error;
    if (found.MPI_SOURCE >= 0 && hand_over(comm, message, found)) continue;
    if (comm.renumbers && *message != MPI_MESSAGE_NO_PROC) {
      layer.messages[handle_bits(*message)] = {nullptr, &comm, MPI_REQUEST_NULL};
      publish_messages();
    }
    source_to_virtual(comm, &found);
    copy_status(status, found);
    return MPI_SUCCESS;
  }
}

/// Takes a message of another subject.
int match_elsewhere(const ProbeCall& call, const VirtualComm& comm, int* flag, MPI_Message* message,
                    MPI_Status* status) {
  const Envelope wanted = envelope(comm, call.peer, call.tag);
  int error = MPI_SUCCESS;
  {
    const Lock lock;
    progress();
    *flag = 0;
    if (layer.incoming.find(wanted) != nullptr) {
      MPI_Request sent = MPI_REQUEST_NULL;
      error = mint(message, &sent);
      if (error != MPI_SUCCESS) return error;
      Unexpected* taken = layer.incoming.claim(wanted);
      layer.messages[handle_bits(*message)] = {taken, &comm, sent};
      publish_messages();
      if (status != MPI_STATUS_IGNORE) fill_status(*status, comm, taken->envelope, taken->extent, false);
      *flag = 1;
      return MPI_SUCCESS;
    }
    if (is_hopeless(call, comm)) error = ended_error(wanted.source);
  }
  return error == MPI_SUCCESS ? error : raise(call.comm, error);
}

/// One look for a message. Precondition: check_probe() has passed.
int match(const ProbeCall& call, const VirtualComm& comm, Peer peer, int* flag, MPI_Message* message,
          MPI_Status* status) {
  if (peer == Peer::remote) return match_elsewhere(call, comm, flag, message, status);
  if (peer != Peer::anyone) return match_here(call, comm, flag, message, status);
  const bool first = here_first(call, comm);
  for (const bool here : {first, !first}) {
    const int error =
        here ? match_here(call, comm, flag, message, status) : match_elsewhere(call, comm, flag, message, status);
    if (error != MPI_SUCCESS || *flag != 0) return error;
  }
  return MPI_SUCCESS;
}

struct MatchedCall {
  const char* name;
  void* buffer;
  MPI_Count count;
  MPI_Datatype datatype;
  MPI_Message* message;
};

MatchedMessage find_message(MPI_Message message) {
  const Lock lock;
  const auto found = layer.messages.find(handle_bits(message));
  return found != layer.messages.end() ? found->second : MatchedMessage{};
}

void forget(MPI_Message message) {
  layer.messages.erase(handle_bits(message));
  publish_messages();
}

ReceiveCall as_receive(const MatchedCall& call, const MatchedMessage& known) {
  const Envelope& envelope = known.message->envelope;
  return {call.name,    call.buffer,     call.count, call.datatype, known.comm->rank_of(envelope.source),
          envelope.tag, known.comm->host};
}

/// Gives the message to `receive` and takes the program's handle of it back.
void take(MpiReceive& receive, const MatchedCall& call, const MatchedMessage& known) {
  const Lock lock;
  forget(*call.message);
  unmint(call.message, known.sent);
  begin_claimed(receive, *known.message);
}

int mrecv_by_host(const MatchedCall& call, MPI_Status* status) {
#ifdef SLUICE_LARGE_COUNTS
  if (!fits_int(call.count)) return host.Mrecv_c(call.buffer, call.count, call.datatype, call.message, status);
#endif
  return host.Mrecv(call.buffer, static_cast<int>(call.count), call.datatype, call.message, status);
}

int mrecv(const MatchedCall& call, MPI_Status* status) {
  const MatchedMessage known = find_message(*call.message);
  if (known.message != nullptr) {
    const ReceiveCall receive_call = as_receive(call, known);
    MpiReceive receive;
    if (const int error = prepare(receive, receive_call, *known.comm); error != MPI_SUCCESS) return error;
    take(receive, call, known);
    return finish_receive(receive, receive_call, status);
  }
  if (known.comm != nullptr) {
    const Lock lock;
    forget(*call.message);
  }
  if (!local_messages_wanted()) {
    const int error = mrecv_by_host(call, status);
    if (known.comm != nullptr) source_to_virtual(*known.comm, status);
    return error;
  }
  MPI_Request request = MPI_REQUEST_NULL;
  int error = imrecv_by_host(call.buffer, call.count, call.datatype, call.message, &request);
  if (error == MPI_SUCCESS) error = wait_for_host(&request, status);
  if (known.comm != nullptr) source_to_virtual(*known.comm, status);
  return error;
}

int imrecv(const MatchedCall& call, MPI_Request* request) {
  const MatchedMessage known = find_message(*call.message);
  if (known.message == nullptr) {
    if (known.comm != nullptr) {
      const Lock lock;
      forget(*call.message);
    }
    const int error = imrecv_by_host(call.buffer, call.count, call.datatype, call.message, request);
    if (error == MPI_SUCCESS && known.comm != nullptr) translate_later(*known.comm, *request);
    return error;
  }
  int error = MPI_SUCCESS;
  auto made = make_receive(as_receive(call, known), *known.comm, &error);
  if (made == nullptr) return error;
  error = hand_out(*made, request);
  MpiReceive& receive = *made.release();
  if (error != MPI_SUCCESS) {
    destroy_receive(receive);
    return error;
  }
  take(receive, call, known);
  return MPI_SUCCESS;
}

}  // namespace

int imrecv_by_host(void* buffer, MPI_Count count, MPI_Datatype datatype, MPI_Message* message, MPI_Request* request) {
#ifdef SLUICE_LARGE_COUNTS
  if (!fits_int(count)) return host.Imrecv_c(buffer, count, datatype, message, request);
#endif
  return host.Imrecv(buffer, static_cast<int>(count), datatype, message, request);
}

namespace mediated {

int Improbe(int source, int tag, MPI_Comm comm, int* flag, MPI_Message* message, MPI_Status* status) {
  progress_if_wanted();
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr) return host.Improbe(source, tag, comm, flag, message, status);
  const ProbeCall call{"MPI_Improbe", source, tag, comm};
  const Peer peer = origin(*spanning, source);
  if (const int error = check_probe(call, *spanning, peer); error != MPI_SUCCESS) return error;
  const int error = match(call, *spanning, peer, flag, message, status);
  if (error == MPI_SUCCESS && *flag == 0 && peer == Peer::remote) drive_host();
  return error;
}

int Mprobe(int source, int tag, MPI_Comm comm, MPI_Message* message, MPI_Status* status) {
  const VirtualComm* spanning = lookup(comm);
  const ProbeCall call{"MPI_Mprobe", source, tag, comm, true};
  const Peer peer = spanning != nullptr ? origin(*spanning, source) : Peer::local;
  if (spanning != nullptr) {
    if (const int error = check_probe(call, *spanning, peer); error != MPI_SUCCESS) return error;
  }
  Waiter waiter;
  for (;;) {
    int flag = 0;
    const int error = spanning != nullptr ? match(call, *spanning, peer, &flag, message, status)
                                          : host.Improbe(source, tag, comm, &flag, message, status);
    if (error != MPI_SUCCESS || flag != 0) return error;
    wait_turn(waiter);
  }
}

int Mrecv(void* buf, int count, MPI_Datatype datatype, MPI_Message* message, MPI_Status* status) {
  return mrecv({"MPI_Mrecv", buf, count, datatype, message}, status);
}

int Imrecv(void* buf, int count, MPI_Datatype datatype, MPI_Message* message, MPI_Request* request) {
  return imrecv({"MPI_Imrecv", buf, count, datatype, message}, request);
}

#ifdef SLUICE_LARGE_COUNTS
int Mrecv_c(void* buf, MPI_Count count, MPI_Datatype datatype, MPI_Message* message, MPI_Status* status) {
  return mrecv({"MPI_Mrecv_c", buf, count, datatype, message}, status);
}

int Imrecv_c(void* buf, MPI_Count count, MPI_Datatype datatype, MPI_Message* message, MPI_Request* request) {
  return imrecv({"MPI_Imrecv_c", buf, count, datatype, message}, request);
}
#endif

}  // namespace mediated

}  // namespace sluice::interpose
