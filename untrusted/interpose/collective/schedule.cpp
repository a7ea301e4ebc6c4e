#include "untrusted/interpose/collective/schedule.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <string>
#include <utility>

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"
#include "untrusted/interpose/transport/message_writer.hpp"

namespace sluice::interpose {

namespace {

/// Bytes that one message of the host MPI carries: its counts are ints.
constexpr std::uint64_t kHostBytes = std::uint64_t{1} << 30;

/// Tags repeat after this: messages of one tag stay in order. No host has a lower MPI_TAG_UB than twice this.
constexpr std::uint64_t kTagMask = 0x3fff;

/// What a failed schedule sends in place of a message of `bytes` bytes: one of another length.
std::uint64_t poison_length(std::uint64_t bytes) { return bytes == 0 ? 1 : 0; }
constexpr std::byte kPoison{0};

}  // namespace

Schedule::Schedule(VirtualComm& comm, int tag) : comm_(comm), among_(&everyone(comm)), tag_(tag) {}

void Schedule::add(bool sends, int rank, std::byte* data, std::uint64_t bytes) {
  if (!open_) rounds_.emplace_back();
  open_ = true;
  const auto place = static_cast<std::size_t>(rank);
  rounds_.back().transfers.push_back({sends, among_->world_rank[place], among_->host_rank[place], data, bytes});
}

void Schedule::then(std::function<int()> work) {
  rounds_.emplace_back().work = std::move(work);
  open_ = true;
}

void Schedule::extend(std::function<void()> build) {
  rounds_.emplace_back().build = [this, participants = among_, build = std::move(build)] {
    among_ = participants;
    build();
  };
  open_ = false;
}

std::byte* Schedule::scratch(std::uint64_t bytes) {
  while (next_scratch_ < scratch_.size() && scratch_[next_scratch_].bytes < bytes) ++next_scratch_;
  if (next_scratch_ == scratch_.size()) {
    // Not cleared: for large messages that would cost as much as moving them.
    std::unique_ptr<std::byte[]> memory(new (std::nothrow) std::byte[bytes + 1]);
    if (memory == nullptr) {
      fail(MPI_ERR_NO_MEM);
      return nullptr;
    }
    scratch_.push_back({std::move(memory), bytes});
  }
  return scratch_[next_scratch_++].memory.get();
}

std::byte* Schedule::zeroed_scratch(std::uint64_t bytes) {
  std::byte* memory = scratch(bytes);
  if (memory != nullptr) std::fill_n(memory, bytes, std::byte{0});
  return memory;
}

void Schedule::fail(int error) noexcept {
  if (error_ == MPI_SUCCESS) error_ = error;
}

bool Schedule::advance() {
  bool moved = false;
  while (!rounds_.empty()) {
    Round& round = rounds_.front();
    if (!round.started) {
      start(round);
      moved = true;
    }
    if (!finish_round()) return moved;
    rounds_.pop_front();
    if (rounds_.empty()) open_ = false;
    moved = true;
  }
  return moved;
}

void Schedule::start(Round& round) {
  round.started = true;
  if (round.build) extend_now(round);
  if (round.work && !failed()) fail(round.work());
  // Messages to other subjects last: writing one takes its time, and meanwhile the host moves the others.
  for (const Transfer& transfer : round.transfers) {
    if (!transfer.sends) start_receive(transfer);
  }
  for (const Transfer& transfer : round.transfers) {
    if (transfer.sends && transfer.host_rank >= 0) start_send(transfer);
  }
  for (const Transfer& transfer : round.transfers) {
    if (transfer.sends && transfer.host_rank < 0) write(transfer);
  }
}

/// What is built now comes right after `round`, which is the first.
void Schedule::extend_now(const Round& round) {
  std::deque<Round> rest;
  while (rounds_.size() > 1) {
    rest.push_front(std::move(rounds_.back()));
    rounds_.pop_back();
  }
  open_ = false;
  round.build();
  open_ = false;
  std::move(rest.begin(), rest.end(), std::back_inserter(rounds_));
}

void Schedule::start_receive(const Transfer& transfer) {
  const std::uint64_t room = failed() ? 0 : transfer.bytes;
  if (transfer.host_rank < 0) {
    Receive& receive = remote_.emplace_back();
    receive.wanted = {comm_.on(Channel::collective), transfer.world_rank, tag_};
    receive.buffer = transfer.data;
    receive.capacity = room;
    receive.internal = true;
    if (!layer.incoming.take(receive)) layer.incoming.post(receive);
    return;
  }
  std::uint64_t done = 0;
  do {
    const std::uint64_t piece = std::min(transfer.bytes - done, kHostBytes);
    HostTransfer& started = host_.emplace_back();
    started.receives = true;
    started.expected = piece;
    fail(host.Irecv(room == 0 ? nullptr : transfer.data + done, room == 0 ? 0 : static_cast<int>(piece), MPI_BYTE,
                    transfer.host_rank, tag_, comm_.hidden, &started.request));
    done += piece;
  } while (done < transfer.bytes);
}

void Schedule::start_send(const Transfer& transfer) {
  std::uint64_t done = 0;
  do {
    const std::uint64_t piece = std::min(transfer.bytes - done, kHostBytes);
    const std::byte* from = failed() ? &kPoison : transfer.data + done;
    const std::uint64_t length = failed() ? poison_length(piece) : piece;
    HostTransfer& started = host_.emplace_back();
    fail(
        host.Isend(from, static_cast<int>(length), MPI_BYTE, transfer.host_rank, tag_, comm_.hidden, &started.request));
    done += piece;
  } while (done < transfer.bytes);
}

void Schedule::write(const Transfer& transfer) {
  const auto world = static_cast<std::uint32_t>(transfer.world_rank);
  if (layer.session.table.capability(world) == wire::kNoCapability) {
    die("a collective operation would send to rank " + std::to_string(world) + " against the policy");
  }
  const std::uint64_t length = failed() ? poison_length(transfer.bytes) : transfer.bytes;
  MessageWriter writer(world, comm_.on(Channel::collective), tag_, length);
  writer.append(failed() ? &kPoison : transfer.data, length);
}

bool Schedule::finish_round() {
  std::erase_if(host_, [this](HostTransfer& transfer) {
    int flag = 0;
    MPI_Status status{};
    const int error = transfer.request == MPI_REQUEST_NULL ? MPI_SUCCESS : host.Test(&transfer.request, &flag, &status);
    if (flag == 0 && error == MPI_SUCCESS && transfer.request != MPI_REQUEST_NULL) return false;
    if (transfer.receives) finish_host(transfer, error, status);
    return true;
  });
  for (; settled_ < remote_.size() && remote_[settled_].outcome != Outcome::pending; ++settled_) {
    finish_remote(remote_[settled_]);
  }
  if (!host_.empty() || settled_ < remote_.size()) return false;
  // They may still be in the queue of finished receives.
  if (!remote_.empty()) settle_finished();
  remote_.clear();
  settled_ = 0;
  return true;
}

void Schedule::finish_host(const HostTransfer& transfer, int error, const MPI_Status& status) {
  int length = 0;
  PMPI_Get_count(&status, MPI_BYTE, &length);
  if (error != MPI_SUCCESS) {
    fail(transfer.expected == 0 ? incomplete_error() : error);
  } else {
    check_length(transfer.expected, static_cast<std::uint64_t>(length));
  }
}

void Schedule::finish_remote(const Receive& receive) {
  switch (receive.outcome) {
    case Outcome::complete:
      return check_length(receive.capacity, receive.length);
    case Outcome::truncated:
      return fail(receive.capacity == 0 ? incomplete_error() : MPI_ERR_TRUNCATE);
    case Outcome::source_ended:
      return fail(ended_error(receive.wanted.source));
    case Outcome::missed:
      return fail(missed_error(receive.matched.source));
    case Outcome::no_memory:
      return fail(MPI_ERR_NO_MEM);
    case Outcome::pending:
    case Outcome::cancelled:
      break;
  }
  fail(MPI_ERR_INTERN);
}

void Schedule::check_length(std::uint64_t expected, std::uint64_t length) {
  if (length == expected) return;
  fail(incomplete_error());
}

int next_tag(VirtualComm& comm) noexcept { return static_cast<int>(comm.collectives++ & kTagMask); }

int next_persistent_tag(VirtualComm& comm) noexcept {
  return static_cast<int>((comm.persistent_collectives++ & kTagMask) | (kTagMask + 1));
}

}  // namespace sluice::interpose
