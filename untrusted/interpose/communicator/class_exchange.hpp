// Exchange among those members of a communicator whose subjects may all tell each other everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "untrusted/interpose/communicator/communicator.hpp"

namespace sluice::interpose {

/// Members of a communicator that may exchange messages both ways with each other and with the same others.
struct ExchangeClass {
  std::vector<std::vector<std::int32_t>> subjects;  ///< ranks of each subject, ascending; by their first rank
  std::vector<std::int32_t> ranks;                  ///< all ranks, ascending

  /// Whether all members of the communicator are in it.
  [[nodiscard]] bool is_all_of(const VirtualComm& comm) const noexcept {
    return static_cast<std::int32_t>(ranks.size()) == comm.size;
  }
};

/// The class that this process is in: two subjects are in one class if each may send to the other and the subjects of
/// the communicator with which they flow both ways are the same. Every member computes the same classes.
ExchangeClass class_of(const VirtualComm& comm);

/// Gives every member the records of all, in the order of `ranks`. Collective over the class; blocks. `ordinal` is one
/// of the communicator's own (VirtualComm::children). Inside a subject the host MPI does it, and one rank of each
/// subject sends to one of each other. Returns an MPI error, for which no error handler has been called.
int class_allgather(const VirtualComm& comm, const ExchangeClass& members, std::uint64_t ordinal,
                    std::span<const std::byte> record, std::vector<std::byte>& all);

/// Context id of what the members tell each other in their `ordinal`th call.
std::uint64_t exchange_context(const VirtualComm& comm, std::uint64_t ordinal) noexcept;

/// Waits for a request of the host MPI, while receives of this process go on.
int finish_by_host(MPI_Request request);

/// Sends to a rank of another subject to which there is a flow. Complete when it returns.
void send_block(const VirtualComm& comm, std::uint64_t context, int rank, std::span<const std::byte> block);

/// Receives one message of exactly this length from a rank of another subject. Blocks. Returns an MPI error, for which
/// no error handler has been called.
int receive_block(const VirtualComm& comm, std::uint64_t context, int rank, std::span<std::byte> block);

/// Waits until every process of the own subject's part has come here, while receives of this process go on. Collective
/// over that part. After it a collective call of the host MPI is short: nobody is still busy with what came before.
int meet(const VirtualComm& comm);

}  // namespace sluice::interpose
