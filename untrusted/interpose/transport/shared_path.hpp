// The ends of shared paths (wire/shared_path.hpp) that one rank has: rings to ranks of other subjects, and from them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trusted/ring/transmit_reader.hpp"
#include "untrusted/interpose/transport/transmit_ring.hpp"
#include "wire/shared_path.hpp"

namespace sluice::interpose {

/// Memory of one shared path, as the guard handed it out. `pair`: number of a pair of ranks, as in
/// wire/shared_path.hpp.
struct SharedMemory {
  std::uint32_t subject = 0;  ///< at the other end
  bool outward = false;       ///< written by the own subject
  std::byte* rings = nullptr;
  std::byte* positions = nullptr;

  [[nodiscard]] TransmitRing writer(std::size_t pair) const noexcept { return {position(pair), ring(pair)}; }
  [[nodiscard]] ring::TransmitReader reader(std::size_t pair) const noexcept { return {position(pair), ring(pair)}; }

 private:
  [[nodiscard]] wire::TransmitControl* position(std::size_t pair) const noexcept {
    return reinterpret_cast<wire::TransmitControl*>(positions) + pair;
  }
  [[nodiscard]] std::byte* ring(std::size_t pair) const noexcept { return rings + pair * wire::kSharedRingBytes; }
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

}  // namespace sluice::interpose
