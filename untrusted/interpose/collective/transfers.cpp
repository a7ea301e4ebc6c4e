#include "untrusted/interpose/collective/transfers.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"
#include "untrusted/interpose/transport/message_writer.hpp"

namespace sluice::interpose {

namespace {

/// Messages of one transfer that are under way at a time: what arrives finds its receive, and memory for them is
/// bounded.
constexpr std::uint64_t kWindow = 64;

/// What a failed operation sends in place of a message of `bytes` bytes: one of another length.
std::uint64_t poison_length(std::uint64_t bytes) { return bytes == 0 ? 1 : 0; }
constexpr std::byte kPoison{0};

std::uintptr_t address(const std::byte* data) { return reinterpret_cast<std::uintptr_t>(data); }

/// Writing to other subjects takes its time, and meanwhile the host moves the others; so it comes last.
int order_of(const Transfer& transfer) { return transfer.writes() ? 2 : transfer.sends ? 1 : 0; }

}  // namespace

void Transfers::start(std::span<Transfer> transfers) {
  transfers_ = transfers;
  unbegun_ = incomplete_ = transfers_.size();
  const auto earlier = [](const Transfer& a, const Transfer& b) { return order_of(a) < order_of(b); };
  if (!std::is_sorted(transfers_.begin(), transfers_.end(), earlier)) {
    std::stable_sort(transfers_.begin(), transfers_.end(), earlier);
  }
}

bool Transfers::advance() {
  bool moved = false;
  bool again = true;
  while (again && incomplete_ != 0) {
    again = unbegun_ != 0 && begin();
    again = take_from_host() || again;
    again = take_from_others() || again;
    moved = moved || again;
    again = again && unbegun_ != 0;
  }
  return moved;
}

bool Transfers::begin() {
  bool began = false;
  memory_.waiting.clear();
  for (Transfer& transfer : transfers_) {
    if (transfer.begun == transfer.messages()) continue;
    bool more = !waits_behind_another(transfer);
    while (more && may_begin(transfer)) {
      begin_next(transfer);
      began = true;
      more = !transfer.writes();  // each destination in turn
    }
    if (transfer.begun != transfer.messages()) memory_.waiting.push_back({transfer.sends, transfer.world_rank});
  }
  unbegun_ = memory_.waiting.size();
  return began;
}

bool Transfers::waits_behind_another(const Transfer& transfer) const {
  return std::any_of(memory_.waiting.begin(), memory_.waiting.end(), [&](const Memory::Peer& peer) {
    return peer.sends == transfer.sends && peer.world_rank == transfer.world_rank;
  });
}

bool Transfers::may_begin(const Transfer& transfer) const {
  if (transfer.begun == transfer.messages() || transfer.begun - transfer.done >= kWindow) return false;
  return !transfer.sends || failure_.failed() || is_there(transfer);
}

/// Whether this round receives nothing any more into what the next message sends.
bool Transfers::is_there(const Transfer& transfer) const {
  const std::uintptr_t first = address(transfer.next_data());
  const std::uintptr_t end = first + transfer.next_bytes();
  for (const Transfer& receive : transfers_) {
    if (receive.sends) break;
    const std::uintptr_t start = address(receive.data);
    const std::uintptr_t stop = start + receive.bytes;
    if (first < stop && start < end && start + receive.moved() < std::min(end, stop)) return false;
  }
  return true;
}

void Transfers::begin_next(Transfer& transfer) {
  if (transfer.writes()) {
    write(transfer);
  } else if (transfer.sends || transfer.host_rank >= 0) {
    begin_host_message(transfer);
  } else {
    begin_receive(transfer);
  }
  ++transfer.begun;
  if (transfer.writes()) finish(transfer);
}

void Transfers::begin_receive(Transfer& transfer) {
  if (memory_.spare.empty()) memory_.spare.emplace_back();
  memory_.remote.splice(memory_.remote.end(), memory_.spare, memory_.spare.begin());
  Memory::RemoteMessage& message = memory_.remote.back();
  message.transfer = &transfer;
  Receive& receive = message.receive;
  receive.wanted = {comm_.on(Channel::collective), transfer.world_rank, tag_};
  receive.buffer = transfer.next_data();
  receive.capacity = failure_.failed() ? 0 : transfer.next_bytes();
  receive.internal = true;
  receive.outcome = Outcome::pending;
  receive.length = 0;
  if (!layer.incoming.take(receive)) layer.incoming.post(receive);
}

void Transfers::begin_host_message(Transfer& transfer) {
  Memory::HostMessage& message = memory_.host.emplace_back();
  message.transfer = &transfer;
  message.bytes = transfer.next_bytes();
  const bool failed = failure_.failed();
  if (transfer.sends) {
    const std::byte* from = failed ? &kPoison : transfer.next_data();
    const auto length = static_cast<int>(failed ? poison_length(message.bytes) : message.bytes);
    failure_.add(host.Isend(from, length, MPI_BYTE, transfer.host_rank, tag_, comm_.hidden, &message.request));
  } else {
    const auto room = failed ? 0 : static_cast<int>(message.bytes);
    std::byte* to = room == 0 ? nullptr : transfer.next_data();
    failure_.add(host.Irecv(to, room, MPI_BYTE, transfer.host_rank, tag_, comm_.hidden, &message.request));
  }
}

void Transfers::write(Transfer& transfer) {
  const auto world = static_cast<std::uint32_t>(transfer.world_rank);
  if (layer.session.table.capability(world) == wire::kNoCapability) {
    die("a collective operation would send to rank " + std::to_string(world) + " against the policy");
  }
  const bool failed = failure_.failed();
  const std::uint64_t bytes = transfer.next_bytes();
  const std::uint64_t length = failed ? poison_length(bytes) : bytes;
  MessageWriter writer(world, comm_.on(Channel::collective), tag_, length);
  writer.append(failed ? &kPoison : transfer.next_data(), length);
}

bool Transfers::take_from_host() {
  if (memory_.host.empty()) return false;
  for (Transfer& transfer : transfers_) transfer.held = false;
  const auto is_done = [this](Memory::HostMessage& message) {
    if (message.transfer->held) return false;
    int flag = 0;
    MPI_Status status{};
    const bool lost = message.request == MPI_REQUEST_NULL;  // it could not begin
    const int error = lost ? MPI_SUCCESS : host.Test(&message.request, &flag, &status);
    message.transfer->held = flag == 0 && error == MPI_SUCCESS && !lost;
    if (message.transfer->held) return false;
    if (!lost && !message.transfer->sends) check_host(message, error, status);
    finish(*message.transfer);
    return true;
  };
  return std::erase_if(memory_.host, is_done) != 0;
}

bool Transfers::take_from_others() {
  const auto arrived = [](const Memory::RemoteMessage& message) { return message.receive.outcome != Outcome::pending; };
  auto next = std::find_if(memory_.remote.begin(), memory_.remote.end(), arrived);
  if (next == memory_.remote.end()) return false;
  settle_finished();  // they may still be in the queue of finished receives
  while (next != memory_.remote.end()) {
    const auto message = next++;
    check_remote(message->receive);
    finish(*message->transfer);
    memory_.spare.splice(memory_.spare.end(), memory_.remote, message);
    next = std::find_if(next, memory_.remote.end(), arrived);
  }
  return true;
}

/// One more message of `transfer` is done.
void Transfers::finish(Transfer& transfer) {
  if (++transfer.done == transfer.messages()) --incomplete_;
}

void Transfers::check_host(const Memory::HostMessage& message, int error, const MPI_Status& status) {
  if (error != MPI_SUCCESS) return failure_.add(message.bytes == 0 ? incomplete_error() : error);
  int length = 0;
  PMPI_Get_count(&status, MPI_BYTE, &length);
  check_length(message.bytes, static_cast<std::uint64_t>(length));
}

void Transfers::check_remote(const Receive& receive) {
  switch (receive.outcome) {
    case Outcome::complete:
      return check_length(receive.capacity, receive.length);
    case Outcome::truncated:
      return failure_.add(receive.capacity == 0 ? incomplete_error() : MPI_ERR_TRUNCATE);
    case Outcome::source_ended:
      return failure_.add(ended_error(receive.wanted.source));
    case Outcome::missed:
      return failure_.add(missed_error(receive.matched.source));
    case Outcome::no_memory:
      return failure_.add(MPI_ERR_NO_MEM);
    case Outcome::pending:
    case Outcome::cancelled:
      break;
  }
  failure_.add(MPI_ERR_INTERN);
}

void Transfers::check_length(std::uint64_t expected, std::uint64_t length) {
  if (length != expected) failure_.add(incomplete_error());
}

}  // namespace sluice::interpose
