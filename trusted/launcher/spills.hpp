// Files for what a queue has no room for.
#pragma once

#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/policy/policy.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::launcher {

/// One file without a name for each flow that spills, in the table's order, with all its room kept.
Result<std::vector<Fd>, sandbox::Problem> make_spills(const policy::Policy& policy);

}  // namespace sluice::launcher
