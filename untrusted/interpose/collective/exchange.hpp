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

/// Where parts travel together: in place if they lie side by side, else in memory of the schedule.
Blocks side_by_side(Schedule& schedule, const Blocks& parts);

/// The root's `together` goes to everyone's `parts`, for which side_by_side() has made it.
void spread(Schedule& schedule, int root, const Blocks& together, const Blocks& parts);

/// What one rank sends or gets in an exchange.
struct Partner {
  int rank = 0;
  Block block;
};

/// Everything of `to` is sent, everything of `from` received, directly. Several messages between two ranks go in the
/// order of both lists.
void exchange(Schedule& schedule, const std::vector<Partner>& from, const std::vector<Partner>& to);

/// `out[rank]` goes to the rank's `in[this rank]` (section 5.8).
void alltoall(Schedule& schedule, const Blocks& out, const Blocks& in);

/// Section 5.9.6.
void allreduce(Schedule& schedule, const Reduction& reduction, const Block& result);

/// `counts[rank]` elements of the result go to each rank (section 5.10).
void reduce_scatter(Schedule& schedule, const Reduction& reduction, const std::vector<std::int64_t>& counts,
                    const Block& result);

/// Hands out the root's `whole` in parts of so many elements for each rank.
void scatter_parts(Schedule& schedule, int root, const Block& whole, const std::vector<std::int64_t>& counts,
                   const Block& result);

}  // namespace sluice::interpose
