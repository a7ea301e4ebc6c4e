// The tests that every wrapper makes before it leaves the direct way to the host MPI. Kept tiny.
#pragma once

#include <atomic>

#include "untrusted/interpose/communicator/communicator_table.hpp"
#include "untrusted/interpose/host_mpi.hpp"

namespace sluice::interpose {

struct Gate {
  /// Communicators that span subjects.
  CommunicatorTable communicators;
  /// Requests that need attention (untrusted/interpose/request/request_map.hpp).
  std::atomic<int> tracked{0};
  /// Matched messages that need attention (untrusted/interpose/point_to_point/matched_message.hpp).
  std::atomic<int> messages{0};
  /// What has to go on while a call for the own subject blocks: receives that this library matches itself and that a
  /// message of the own subject may complete, and requests that move step by step.
  std::atomic<int> local_wanted{0};
  /// Groups that processes of other subjects are in.
  std::atomic<int> groups{0};
};
[[gnu::visibility("hidden")]] extern Gate gate;

/// The communicator's side table if it spans subjects, else null.
inline VirtualComm* lookup(MPI_Comm comm) noexcept { return gate.communicators.find(handle_bits(comm)); }

/// Whether a communicator spans subjects.
inline bool is_virtual(MPI_Comm comm) noexcept { return lookup(comm) != nullptr; }

/// False for most communicators that do not span subjects; costs less.
inline bool may_be_virtual(MPI_Comm comm) noexcept { return gate.communicators.may_have(handle_bits(comm)); }

/// Whether a call that completes, cancels or frees requests has to look at them first.
inline bool requests_need_attention() noexcept { return gate.tracked.load(std::memory_order_relaxed) != 0; }

/// Whether a call that receives a matched message has to look at it first.
inline bool messages_need_attention() noexcept { return gate.messages.load(std::memory_order_relaxed) != 0; }

/// Whether a call that may block has to make progress here meanwhile.
inline bool local_messages_wanted() noexcept { return gate.local_wanted.load(std::memory_order_relaxed) != 0; }

/// Whether a group may be one with processes of other subjects.
inline bool groups_need_attention() noexcept { return gate.groups.load(std::memory_order_relaxed) != 0; }

}  // namespace sluice::interpose
