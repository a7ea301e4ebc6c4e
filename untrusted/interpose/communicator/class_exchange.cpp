#include "untrusted/interpose/communicator/class_exchange.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>

#include "untrusted/interpose/communicator/idup.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/peer.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"
#include "untrusted/interpose/transport/message_writer.hpp"

namespace sluice::interpose {

namespace {

using Ranks = std::vector<std::int32_t>;

/// Tells the exchanges of a communicator from what it derives contexts of communicators by.
constexpr std::uint64_t kExchange = 0x65786368616e6765U;

bool flow_both_ways(std::uint32_t one, std::uint32_t other) {
  const PrivilegeView& table = layer.session.table;
  return table.allowed(one, other) && table.allowed(other, one);
}

/// Sends the block of the own subject to the first rank of each other, and takes theirs.
int exchange_blocks(const VirtualComm& comm, const ExchangeClass& members, std::uint64_t context, std::size_t bytes,
                    std::byte* blocks) {
  const std::byte* own = nullptr;
  std::byte* block = blocks;
  for (const Ranks& subject : members.subjects) {
    if (comm.is_local(subject.front())) own = block;
    block += subject.size() * bytes;
  }
  for (const Ranks& subject : members.subjects) {
    if (comm.is_local(subject.front())) continue;
    send_block(comm, context, subject.front(), {own, comm.rank_of_host.size() * bytes});
  }
  block = blocks;
  int error = MPI_SUCCESS;
  for (const Ranks& subject : members.subjects) {
    const std::size_t length = subject.size() * bytes;
    if (!comm.is_local(subject.front())) {
      const int received = receive_block(comm, context, subject.front(), {block, length});
      if (error == MPI_SUCCESS) error = received;
    }
    block += length;
  }
  return error;
}

/// From the order of subjects to that of ranks.
void sort_by_rank(const ExchangeClass& members, std::size_t bytes, const std::byte* blocks, std::byte* all) {
  for (const Ranks& subject : members.subjects) {
    for (const std::int32_t rank : subject) {
      const auto place = std::lower_bound(members.ranks.begin(), members.ranks.end(), rank) - members.ranks.begin();
      std::memcpy(all + static_cast<std::size_t>(place) * bytes, blocks, bytes);
      blocks += bytes;
    }
  }
}

/// Gives the own subject's processes what its first rank has: whether the exchange worked, and the blocks.
int spread(const VirtualComm& comm, int error, std::vector<std::byte>& blocks) {
  MPI_Request request = MPI_REQUEST_NULL;
  int failed = error == MPI_SUCCESS ? 0 : 1;
  int told = host.Ibcast(&failed, 1, MPI_INT, 0, comm.hidden, &request);
  if (told == MPI_SUCCESS) told = finish_by_host(request);
  if (told != MPI_SUCCESS || error != MPI_SUCCESS) return error != MPI_SUCCESS ? error : told;
  if (failed != 0) return ended_error(-1);
  told = host.Ibcast(blocks.data(), static_cast<int>(blocks.size()), MPI_BYTE, 0, comm.hidden, &request);
  return told == MPI_SUCCESS ? finish_by_host(request) : told;
}

}  // namespace

int finish_by_host(MPI_Request request) {
  Waiter waiter;
  for (;;) {
    int flag = 0;
    const int error = host.Test(&request, &flag, MPI_STATUS_IGNORE);
    if (flag != 0 || error != MPI_SUCCESS) return error;
    wait_turn(waiter);
  }
}

ExchangeClass class_of(const VirtualComm& comm) {
  const PrivilegeView& table = layer.session.table;
  std::map<std::uint32_t, Ranks> by_subject;
  for (std::int32_t rank = 0; rank < comm.size; ++rank) {
    by_subject[table.subject_of(to_world(comm, rank))].push_back(rank);
  }
  const auto partners = [&](std::uint32_t subject) {
    std::vector<std::uint32_t> found;
    for (const auto& [other, ranks] : by_subject) {
      if (flow_both_ways(subject, other)) found.push_back(other);
    }
    return found;
  };
  const std::vector<std::uint32_t> own = partners(table.self());
  ExchangeClass members;
  for (const auto& [subject, ranks] : by_subject) {
    if (partners(subject) != own) continue;
    members.subjects.push_back(ranks);
    members.ranks.insert(members.ranks.end(), ranks.begin(), ranks.end());
  }
  std::sort(members.ranks.begin(), members.ranks.end());
  return members;
}

int class_allgather(const VirtualComm& comm, const ExchangeClass& members, std::uint64_t ordinal,
                    std::span<const std::byte> record, std::vector<std::byte>& all) {
  const std::size_t bytes = record.size();
  if (bytes * members.ranks.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return MPI_ERR_COUNT;
  std::vector<std::byte> blocks(bytes * members.ranks.size());
  std::byte* own = blocks.data();
  for (const Ranks& subject : members.subjects) {
    if (comm.is_local(subject.front())) break;
    own += subject.size() * bytes;
  }
  finish_duplications(comm);
  MPI_Request request = MPI_REQUEST_NULL;
  int error = host.Iallgather(record.data(), static_cast<int>(bytes), MPI_BYTE, own, static_cast<int>(bytes), MPI_BYTE,
                              comm.hidden, &request);
  if (error == MPI_SUCCESS) error = finish_by_host(request);
  if (error != MPI_SUCCESS) return error;
  if (members.subjects.size() > 1) {
    const std::uint64_t context = exchange_context(comm, ordinal);
    if (comm.rank == comm.rank_of_host.front()) {
      error = exchange_blocks(comm, members, context, bytes, blocks.data());
    }
    error = spread(comm, error, blocks);
  }
  all.resize(blocks.size());
  if (error == MPI_SUCCESS) sort_by_rank(members, bytes, blocks.data(), all.data());
  return error;
}

std::uint64_t exchange_context(const VirtualComm& comm, std::uint64_t ordinal) noexcept {
  return derive_context(comm.context, ordinal, kExchange) | static_cast<std::uint64_t>(Channel::collective);
}

void send_block(const VirtualComm& comm, std::uint64_t context, int rank, std::span<const std::byte> block) {
  const Lock lock;
  MessageWriter writer(to_world(comm, rank), context, 0, block.size());
  writer.append(block.data(), block.size());
}

int receive_block(const VirtualComm& comm, std::uint64_t context, int rank, std::span<std::byte> block) {
  Receive receive;
  receive.wanted = {context, static_cast<std::int32_t>(to_world(comm, rank)), 0};
  receive.buffer = block.data();
  receive.capacity = block.size();
  receive.internal = true;
  {
    const Lock lock;
    if (!layer.incoming.take(receive)) layer.incoming.post(receive);
  }
  Waiter waiter;
  for (;;) {
    {
      const Lock lock;
      progress();
      if (receive.outcome == Outcome::complete && receive.length == block.size()) return MPI_SUCCESS;
      if (receive.outcome == Outcome::source_ended) return ended_error(receive.wanted.source);
      if (receive.outcome == Outcome::missed) return missed_error(receive.matched.source);
      if (receive.outcome != Outcome::pending) return MPI_ERR_OTHER;
    }
    wait_turn(waiter);
  }
}

int meet(const VirtualComm& comm) {
  finish_duplications(comm);
  if (comm.rank_of_host.size() == 1) return MPI_SUCCESS;
  MPI_Request request = MPI_REQUEST_NULL;
  const int error = host.Ibarrier(comm.hidden, &request);
  return error == MPI_SUCCESS ? finish_by_host(request) : error;
}

}  // namespace sluice::interpose
