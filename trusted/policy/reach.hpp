// What downgrades open beyond their own flow: a single one, lawful by itself, may join with other flows to a way that
// nobody has named.
#pragma once

#include <cstdint>
#include <vector>

#include "trusted/policy/policy.hpp"

namespace sluice::policy {

/// Subjects by which data gets from the first to the last, whose labels forbid that and between which no flow is
/// listed.
using Detour = std::vector<std::uint32_t>;

/// The shortest detour of every ordered pair of subjects that has one, by sender and then receiver.
std::vector<Detour> detours(const Policy& policy);

/// Subjects of different labels between which data can go round: in effect they are of one label.
using Circle = std::vector<std::uint32_t>;

/// All circles, as large as they are, in the order of their first subject. No subject is in two of them.
std::vector<Circle> circles(const Policy& policy);

/// Names of the downgrades on the flows from each subject of `way` to the next, in this order.
std::vector<std::string> downgrades_on(const Policy& policy, const Detour& way);

/// Names of the downgrades on flows between subjects of `circle`, in the policy's order.
std::vector<std::string> downgrades_in(const Policy& policy, const Circle& circle);

}  // namespace sluice::policy
