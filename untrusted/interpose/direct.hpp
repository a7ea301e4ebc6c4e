// The short way of messages within the subject on a communicator that spans subjects: only the peer is told otherwise.
//
// It stores nothing. A rank that sends has the stores of its last messages still before it, as their cache lines are
// at the receiver; a few more that wait behind them and it cannot begin the next message meanwhile.
#pragma once

#include <cstdint>
#include <type_traits>

#include "untrusted/interpose/communicator/communicator.hpp"
#include "untrusted/interpose/gate.hpp"
#include "untrusted/interpose/host_caller.hpp"

namespace sluice::interpose {

/// A handle's bits and no others: what is not widened takes no register more.
[[gnu::always_inline]] inline auto short_bits(MPI_Comm comm) noexcept {
  using Bits = std::conditional_t<sizeof(MPI_Comm) == sizeof(std::uint32_t), std::uint32_t, std::uint64_t>;
  return static_cast<Bits>(handle_bits(comm));
}

/// Where looking for `comm` begins.
[[gnu::always_inline]] inline CommunicatorTable::Home home_of(MPI_Comm comm) noexcept {
  return gate.communicators.home(handle_bits(comm));
}

/// The rank in `comm` of whom a call from `caller` sends to, as the host MPI counts it, if the call may go straight to
/// the host MPI with it. Else -1: the call takes the long way, whatever the rank is.
[[gnu::always_inline]] inline int direct_destination(CommunicatorTable::Home home, MPI_Comm comm, int rank,
                                                     const void* caller) noexcept {
  if (!called_by_main_object(caller) || !home.holds(short_bits(comm))) return -1;
  return home.communicator().local.of(rank);
}

/// The same for whom it receives from. Then statuses name the same ranks as the communicator.
[[gnu::always_inline]] inline int direct_source(CommunicatorTable::Home home, MPI_Comm comm, int rank,
                                                const void* caller) noexcept {
  if (!called_by_main_object(caller) || !home.holds(short_bits(comm))) return -1;
  return home.communicator().local_unchanged.of(rank);
}

}  // namespace sluice::interpose
