// Layout of the memory of a flow with `path: shared`: two subjects of one label that flow both ways pass messages
// without the guard. Each flow has two memories, made by the guard, which then never looks at them:
//
//   rings      written by the sending subject, mapped read-only by the receiving one: for each pair of a sending and a
//              receiving rank, one ring of kSharedRingBytes in the form of wire/transmit.hpp
//   positions  written by the receiving subject, mapped read-only by the sending one: one TransmitControl for each pair
//
// Pair (s, r) of the ranks within their subjects is number s * receivers + r. A ring that stays full is left for the
// relay, which has room for more: see PathNote.
#pragma once

#include <cstdint>

#include "wire/transmit.hpp"

namespace sluice::wire {

/// How a flow's bytes travel, in a privilege control table.
inline constexpr std::uint32_t kPathRelay = 0;
inline constexpr std::uint32_t kPathShared = 1;

/// Pairs of ranks of one flow, and descriptors of one subject, that `path: shared` may need.
inline constexpr std::uint32_t kMaxSharedPairs = 4096;
inline constexpr std::uint32_t kMaxSharedDescriptors = 128;
inline constexpr std::uint32_t kDescriptorsPerSharedFlow = 2;

constexpr std::uint64_t shared_ring_bytes(std::uint32_t senders, std::uint32_t receivers) noexcept {
  return std::uint64_t{senders} * receivers * kSharedRingBytes;
}

constexpr std::uint64_t shared_position_bytes(std::uint32_t senders, std::uint32_t receivers) noexcept {
  return (std::uint64_t{senders} * receivers * sizeof(TransmitControl) + kPage - 1) / kPage * kPage;
}

/// Bits of a frame's context that say what it is (untrusted/interpose/transport/channel.hpp); this one is for messages
/// between the two ends of a shared path. Their tag is a PathNote.
inline constexpr std::uint64_t kPathChannel = 5;

enum class PathNote : std::int32_t {
  wake = 0,      ///< by relay: a frame is in the ring of a receiver that sleeps
  by_relay = 1,  ///< in the ring: what follows comes by relay
  rest = 2,      ///< by relay: the message is the rest of the one that the ring was too full for
  by_ring = 3,   ///< by relay: what follows comes in the ring
};

}  // namespace sluice::wire
