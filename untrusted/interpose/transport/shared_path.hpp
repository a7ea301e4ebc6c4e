// The ends of shared paths (wire/shared_path.hpp) that one rank has: rings to ranks of other subjects, and from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trusted/ring/transmit_reader.hpp"
#include "untrusted/interpose/transport/transmit_ring.hpp"

namespace sluice::interpose {

/// Memory of one shared path, as the guard handed it out.
struct SharedMemory {
  std::uint32_t subject = 0;  ///< at the other end
  bool outward = false;       ///< written by the own subject
  std::span<std::byte> rings;
  std::span<std::byte> positions;
};

/// To one receiving rank.
struct SharedOutflow {
  TransmitRing ring;
  bool by_relay = false;  ///< the ring was full: messages take the relay until it is empty
};

/// From one sending rank. What lies in the ring is the other subject's and may change at any moment.
struct SharedInflow {
  ring::TransmitReader reader;
  std::uint32_t source;   ///< world rank
  bool by_relay = false;  ///< the sender has gone over to the relay
};

/// Ends of the rank `own` of a subject with `own_ranks` ranks, where the subject at the other end has `other_ranks`, of
/// which the first has the world rank `first_other`. In the order of the other ranks.
std::vector<SharedOutflow> shared_outflows(const SharedMemory& memory, std::uint32_t own, std::uint32_t other_ranks);
std::vector<SharedInflow> shared_inflows(const SharedMemory& memory, std::uint32_t own, std::uint32_t own_ranks,
                                         std::uint32_t first_other, std::uint32_t other_ranks);

}  // namespace sluice::interpose
