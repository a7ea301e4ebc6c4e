// For fuzz targets: the same pool for every input. Making one takes longer than most inputs do.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "trusted/ring/segment_pool.hpp"
#include "wire/frame.hpp"

namespace sluice::ring {

/// Gives back a chain that begins at `segment` and goes on over `links` more.
inline void give_back_chain(SegmentPool& pool, std::uint32_t segment, std::uint64_t links) {
  for (; links > 0; --links) {
    const std::uint32_t next = pool.next(segment);
    pool.give_back(segment);
    segment = next;
  }
  pool.give_back(segment);
}

/// Makes a pool whose segments have all been given back look as create() leaves it, but for the order of the others.
inline void restart(SegmentPool& pool, std::uint32_t receivers) {
  std::vector<std::uint32_t> others;
  for (std::uint32_t found = 0; found < receivers;) {
    const auto segment = pool.take();
    if (!segment) std::abort();  // one has been lost
    if (*segment < receivers) {
      wire::store_kind(pool.segment(*segment), wire::FrameKind::none, std::memory_order_relaxed);
      ++found;
    } else {
      others.push_back(*segment);
    }
  }
  for (const std::uint32_t segment : others) pool.give_back(segment);
}

}  // namespace sluice::ring
