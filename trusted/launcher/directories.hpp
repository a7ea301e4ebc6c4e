// The directories that the policy's subjects write to: made, checked for labels, and labelled.
#pragma once

#include <string>
#include <vector>

#include "trusted/base/result.hpp"
#include "trusted/policy/policy.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::launcher {

/// Makes writable directories that are not there (mode 0700, of the invoking user) and puts each subject's label on
/// its own. Refuses, changing no label, if any path of any subject carries a label that its use would break.
/// Returns the directories whose file system keeps no labels.
Result<std::vector<std::string>, std::vector<sandbox::Problem>> prepare_directories(const policy::Policy& policy);

}  // namespace sluice::launcher
