#include "untrusted/interpose/point_to_point/progress.hpp"

#include <new>

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/large_count.hpp"
#include "untrusted/interpose/point_to_point/peer.hpp"
#include "untrusted/interpose/point_to_point/receive_call.hpp"

namespace sluice::interpose {

namespace {

int outcome_error(MpiReceive& receive) {
  switch (receive.outcome) {
    case Outcome::pending:
    case Outcome::complete:
    case Outcome::cancelled:
      return MPI_SUCCESS;
    case Outcome::truncated:
      return MPI_ERR_TRUNCATE;
    case Outcome::source_ended:
      // Of a message that was cut short its sender is known, whatever was asked for: others may go on.
      return ended_error(receive.matched.source != kAnySource ? receive.matched.source : receive.wanted.source);
    case Outcome::missed:
      return missed_error(receive.matched.source);
    case Outcome::no_memory:
      return MPI_ERR_NO_MEM;
  }
  return MPI_ERR_OTHER;
}

/// Fills status and error of a receive that this library has completed.
void conclude(MpiReceive& receive) {
  receive.error = outcome_error(receive);
  const bool has_message = receive.outcome == Outcome::complete || receive.outcome == Outcome::truncated;
  if (has_message && receive.staged) {
    const int error =
        unpack(receive.staging.get(), receive.length, receive.user_buffer, receive.datatype, receive.layout);
    if (receive.error == MPI_SUCCESS) receive.error = error;
  }
  receive.staging.reset();
  const bool is_known = receive.matched.source != kAnySource && receive.outcome != Outcome::cancelled;
  fill_status(receive.status, *receive.comm, is_known ? receive.matched : receive.wanted,
              has_message ? receive.length : 0, receive.outcome == Outcome::cancelled);
}

/// Makes status and error final and lets the waiting call go on.
void settle_receive(MpiReceive& receive) {
  if (receive.wants_local) gate.local_wanted.fetch_sub(1, std::memory_order_relaxed);
  if (!receive.by_host) conclude(receive);
  if (receive.owns_datatype && !receive.persistent) {
    PMPI_Type_free(&receive.datatype);
    receive.owns_datatype = false;
  }
  settle(receive);
}

/// The envelope of a message of the own subject that the host MPI has found.
Envelope found_by_host(const VirtualComm& comm, const MPI_Status& status) {
  const std::int32_t rank = comm.rank_of_host[static_cast<std::size_t>(status.MPI_SOURCE)];
  return {comm.context, comm.world_rank[static_cast<std::size_t>(rank)], status.MPI_TAG};
}

/// Lets the host MPI deliver a message that it has matched to `receive`.
void deliver(MpiReceive& receive, MPI_Message message, const MPI_Status& probed) {
  MPI_Count bytes = 0;
  PMPI_Get_elements_x(&probed, MPI_BYTE, &bytes);
  receive.by_host = true;
  receive.matched = found_by_host(*receive.comm, probed);
  const auto size = static_cast<std::uint64_t>(bytes);
  // The host would call the error handler for a truncated message at a time that is not the program's.
  if (size > receive.capacity && fits_int(bytes)) {
    receive.bounce.reset(new (std::nothrow) std::byte[size]);
  }
  if (receive.bounce != nullptr) {
    host.Imrecv(receive.bounce.get(), static_cast<int>(bytes), MPI_BYTE, &message, &receive.host_request);
  } else {
    imrecv_by_host(receive.user_buffer, receive.count, receive.datatype, &message, &receive.host_request);
  }
  layer.host_matched.push_back(receive);
}

/// Asks the host MPI for a message that `receive` would take, and gives it to the first receive that takes it.
bool match_one(MpiReceive& receive) {
  const VirtualComm& comm = *receive.comm;
  const int source =
      receive.wanted.source == kAnySource ? MPI_ANY_SOURCE : to_host(comm, comm.rank_of(receive.wanted.source));
  const int tag = receive.wanted.tag == kAnyTag ? MPI_ANY_TAG : receive.wanted.tag;
  int flag = 0;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status probed;
  if (host.Improbe(source, tag, comm.host, &flag, &message, &probed) != MPI_SUCCESS || flag == 0) return false;
  // An earlier one may have missed a message that has come only now.
  return hand_over(comm, &message, probed);
}

/// Matches messages of the own subject to queued receives, in the order of the queue.
bool match_local() {
  bool moved = false;
  const VirtualComm* empty = nullptr;  // has no message of the own subject
  Receive* queued = layer.incoming.posted().first();
  while (queued != nullptr) {
    if (queued->internal) {
      queued = ReceiveQueue::after(*queued);
      continue;
    }
    auto& receive = static_cast<MpiReceive&>(*queued);
    if (receive.wants_local && receive.comm != empty && match_one(receive)) {
      moved = true;
      empty = nullptr;
      queued = layer.incoming.posted().first();
      continue;
    }
    // What misses with both wildcards misses with fewer.
    const bool widest = receive.wanted.source == kAnySource && receive.wanted.tag == kAnyTag;
    if (receive.wants_local && widest) empty = receive.comm;
    queued = ReceiveQueue::after(receive);
  }
  return moved;
}

/// Completes `receive` from the status of the host's delivery.
void finish_delivery(MpiReceive& receive, const MPI_Status& delivered, int error) {
  receive.error = error;
  receive.status = delivered;
  receive.status.MPI_SOURCE = receive.comm->rank_of(receive.matched.source);
  if (receive.bounce == nullptr) return;
  receive.error = MPI_ERR_TRUNCATE;
  unpack(receive.bounce.get(), receive.capacity, receive.user_buffer, receive.datatype, receive.layout);
  fill_status(receive.status, *receive.comm, receive.matched, receive.capacity, false);
  receive.bounce.reset();
}

/// Settles receives whose message the host MPI has delivered.
bool collect_deliveries() {
  bool moved = false;
  for (Receive* queued = layer.host_matched.first(); queued != nullptr;) {
    auto& receive = static_cast<MpiReceive&>(*queued);
    queued = ReceiveQueue::after(*queued);
    int flag = 0;
    MPI_Status delivered{};
    const int error = host.Test(&receive.host_request, &flag, &delivered);
    if (flag == 0 && error == MPI_SUCCESS) continue;
    layer.host_matched.remove(receive);
    finish_delivery(receive, delivered, error);
    settle_receive(receive);
    moved = true;
  }
  return moved;
}

/// A synchronous message may just have been matched: its sender hears of it now, whatever this rank does next.
void after_match() {
  settle_finished();
  if (!layer.incoming.owed().empty() && !layer.writing) layer.synchronous.advance();
}

/// Takes back a receive that has no message yet.
void cancel_receive(OwnRequest& own) {
  auto& receive = static_cast<MpiReceive&>(own);
  if (!layer.incoming.withdraw(receive)) return;
  layer.incoming.finish(receive, Outcome::cancelled);
  settle_finished();
}

int start_receive(OwnRequest& own) {
  auto& receive = static_cast<MpiReceive&>(own);
  receive.outcome = Outcome::pending;
  receive.matched = kNoMessage;
  receive.length = 0;
  receive.by_host = false;
  receive.error = MPI_SUCCESS;
  const Lock lock;
  begin(receive);
  return MPI_SUCCESS;
}

}  // namespace

bool settle_finished() {
  bool moved = false;
  while (Receive* receive = layer.incoming.finished().pop_front()) {
    if (!receive->internal) settle_receive(static_cast<MpiReceive&>(*receive));
    moved = true;
  }
  return moved;
}

void destroy_receive(OwnRequest& own) noexcept {
  auto& receive = static_cast<MpiReceive&>(own);
  if (receive.owns_datatype) PMPI_Type_free(&receive.datatype);
  delete &receive;
}

const OwnKind kReceive{destroy_receive, nullptr, cancel_receive, start_receive};

bool progress() {
  // First, as the end of the last sender of another subject ends what waits for anyone.
  bool moved = local_messages_wanted() && match_local();
  moved = layer.incoming.drain(kFramesPerPass, layer.leaves_mail) || moved;
  if (layer.incoming.fault() != nullptr) die(layer.incoming.fault());
  if (local_messages_wanted()) moved = collect_deliveries() || moved;
  moved = settle_finished() || moved;
  if (layer.writing) return moved;
  moved = layer.synchronous.advance() || moved;
  return advance_polled() || moved;
}

void begin(MpiReceive& receive) {
  const std::int32_t source = receive.wanted.source;
  receive.wants_local = source == kAnySource || receive.comm->is_local(receive.comm->rank_of(source));
  if (receive.wants_local) gate.local_wanted.fetch_add(1, std::memory_order_relaxed);
  if (source == kAnySource) layer.host_turn = !layer.host_turn;
  // What a rank has sent to itself comes before the end of everybody else.
  if (source == kAnySource && (layer.host_turn || layer.incoming.exhausted(receive.wanted, receive.any))) {
    layer.incoming.post(receive);
    match_local();
    if (!layer.incoming.withdraw(receive)) return;
  }
  if (!layer.incoming.take(receive)) layer.incoming.post(receive);
  after_match();
}

void begin_claimed(MpiReceive& receive, Unexpected& message) {
  layer.incoming.receive_claimed(message, receive);
  after_match();
}

bool must_queue(Envelope wanted) {
  for (Receive* queued = layer.incoming.posted().first(); queued != nullptr; queued = ReceiveQueue::after(*queued)) {
    const bool sources =
        queued->wanted.source == kAnySource || wanted.source == kAnySource || queued->wanted.source == wanted.source;
    const bool tags = queued->wanted.tag == kAnyTag || wanted.tag == kAnyTag || queued->wanted.tag == wanted.tag;
    if (queued->internal || queued->wanted.context != wanted.context) continue;
    if (static_cast<MpiReceive*>(queued)->wants_local && sources && tags) return true;
  }
  return false;
}

bool is_claimed(Envelope message) {
  for (Receive* queued = layer.incoming.posted().first(); queued != nullptr; queued = ReceiveQueue::after(*queued)) {
    if (queued->accepts(message)) return true;
  }
  return false;
}

bool hand_over(const VirtualComm& comm, MPI_Message* message, const MPI_Status& probed) {
  const Envelope found = found_by_host(comm, probed);
  Receive* first = layer.incoming.posted().first();
  while (first != nullptr && !first->accepts(found)) first = ReceiveQueue::after(*first);
  if (first == nullptr) return false;
  layer.incoming.posted().remove(*first);
  deliver(static_cast<MpiReceive&>(*first), *message, probed);
  return true;
}

void fill_status(MPI_Status& status, const VirtualComm& comm, Envelope message, std::uint64_t bytes, bool cancelled) {
  status.MPI_SOURCE = message.source == kAnySource ? MPI_ANY_SOURCE : comm.rank_of(message.source);
  status.MPI_TAG = message.tag == kAnyTag ? MPI_ANY_TAG : message.tag;
  PMPI_Status_set_elements_x(&status, MPI_BYTE, static_cast<MPI_Count>(bytes));
  PMPI_Status_set_cancelled(&status, cancelled ? 1 : 0);
}

void wait_turn(Waiter& waiter) {
  bool moved = false;
  {
    const Lock lock;
    moved = progress();
  }
  if (moved) {
    waiter.reset();
  } else {
    waiter.pause();
  }
}

void wait_for_own(const OwnRequest& own) {
  Waiter waiter;
  for (;;) {
    bool moved = false;
    {
      const Lock lock;
      moved = progress();
      if (own.settled) return;
    }
    if (moved) {
      waiter.reset();
    } else {
      waiter.pause();
    }
  }
}

int wait_for_host(MPI_Request* request, MPI_Status* status) {
  Waiter waiter;
  for (;;) {
    if (!local_messages_wanted()) return host.Wait(request, status);
    int flag = 0;
    const int error = host.Test(request, &flag, status);
    if (flag != 0 || error != MPI_SUCCESS) return error;
    wait_turn(waiter);
  }
}

}  // namespace sluice::interpose
