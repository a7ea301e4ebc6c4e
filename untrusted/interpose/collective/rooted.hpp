// Collectives with a root: the steps of one rank.
#pragma once

#include <cstdint>
#include <vector>

#include "untrusted/interpose/collective/block.hpp"

namespace sluice::interpose {

/// Bytes of each rank's part, by rank. Need be right only for the ranks whose parts come past this rank.
using Sizes = std::vector<std::uint64_t>;

/// `data` of the root goes to all (MPI 3.1, section 5.4). Crosses each boundary between subjects once.
void broadcast(Schedule& schedule, int root, std::byte* data, std::uint64_t bytes);

/// The same for elements, which are read when what was added to the schedule before is complete.
void broadcast(Schedule& schedule, int root, const Block& block);

/// Everybody's part goes to the root (section 5.5): `mine` are sizes[rank] bytes; `parts` count at the root alone, and
/// there its own part is not touched. Crosses each boundary between subjects once, long parts one after the other.
void gather(Schedule& schedule, int root, const std::byte* mine, const Sizes& sizes, const Blocks& parts);

/// The same where each rank knows only its own size, and the root all.
void gather_unknown(Schedule& schedule, int root, const std::byte* mine, std::uint64_t bytes, const Blocks& parts);

/// The root's parts go to each rank (section 5.6). `parts` count at the root, whose own one is not touched; elsewhere
/// `mine` takes the rank's part.
void scatter(Schedule& schedule, int root, const Blocks& parts, const Sizes& sizes, const Block& mine);

/// The same where each rank knows only its own size, and the root all.
void scatter_unknown(Schedule& schedule, int root, const Blocks& parts, const Block& mine);

}  // namespace sluice::interpose
