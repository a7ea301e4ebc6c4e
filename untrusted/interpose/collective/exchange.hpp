// Collectives in which everyone contributes to everyone's result: the steps of one rank.
#pragma once

#include "untrusted/interpose/collective/reduction.hpp"
#include "untrusted/interpose/collective/rooted.hpp"

namespace sluice::interpose {

/// MPI 3.1, section 5.3.
void barrier(Schedule& schedule);

/// `parts`: where each rank's part goes; `mine` are the bytes of the own one, which is not in its place yet unless null
/// (section 5.7).
void allgather(Schedule& schedule, const std::byte* mine, const Blocks& parts);

/// `out[rank]` goes to the rank's `in[this rank]` (section 5.8).
void alltoall(Schedule& schedule, const Blocks& out, const Blocks& in);

/// Section 5.9.6.
void allreduce(Schedule& schedule, const Reduction& reduction, const Block& result);

/// `counts[rank]` elements of the result go to each rank (section 5.10).
void reduce_scatter(Schedule& schedule, const Reduction& reduction, const std::vector<int>& counts,
                    const Block& result);

}  // namespace sluice::interpose
