#include "untrusted/interpose/transport/shared_path.hpp"

#include "wire/shared_path.hpp"

namespace sluice::interpose {

namespace {

wire::TransmitControl* position_of(const SharedMemory& memory, std::size_t pair) {
  return reinterpret_cast<wire::TransmitControl*>(memory.positions.data()) + pair;
}

std::byte* ring_of(const SharedMemory& memory, std::size_t pair) {
  return memory.rings.data() + pair * wire::kTransmitRingBytes;
}

}  // namespace

std::vector<SharedOutflow> shared_outflows(const SharedMemory& memory, std::uint32_t own, std::uint32_t other_ranks) {
  std::vector<SharedOutflow> outflows;
  for (std::uint32_t receiver = 0; receiver < other_ranks; ++receiver) {
    const std::size_t pair = std::size_t{own} * other_ranks + receiver;
    outflows.push_back({TransmitRing(position_of(memory, pair), ring_of(memory, pair))});
  }
  return outflows;
}

std::vector<SharedInflow> shared_inflows(const SharedMemory& memory, std::uint32_t own, std::uint32_t own_ranks,
                                         std::uint32_t first_other, std::uint32_t other_ranks) {
  std::vector<SharedInflow> inflows;
  for (std::uint32_t sender = 0; sender < other_ranks; ++sender) {
    const std::size_t pair = std::size_t{sender} * own_ranks + own;
    inflows.push_back({ring::TransmitReader(position_of(memory, pair), ring_of(memory, pair)), first_other + sender});
  }
  return inflows;
}

}  // namespace sluice::interpose
