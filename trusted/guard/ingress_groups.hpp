// Which subjects may share an ingress thread.
//
// What one thread does for a subject may be seen, by its timing, in what it does for the others of its group: by the
// subjects themselves and by their receivers. So a group holds only subjects that could tell each other and each
// other's receivers as much anyway: they have the same label, each has a flow to every other, and all have the same
// receivers besides. The rule for one source subject (SPEC.md) then holds for the group.
#pragma once

#include <cstdint>
#include <vector>

#include "trusted/table/table.hpp"

namespace sluice::guard {

/// Subject indexes, one list for each ingress thread; every subject is in one list. Where `processors` are enough for
/// the world's ranks and a thread for each subject, nobody shares: then sharing would only cost bandwidth.
std::vector<std::vector<std::uint32_t>> ingress_groups(const table::RunTable& table, unsigned processors);

}  // namespace sluice::guard
