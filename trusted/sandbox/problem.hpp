// The one error of this room: what a host, or a path that the policy names, cannot give.
#pragma once

#include <string>

namespace sluice::sandbox {

enum class ProblemKind {
  host,    ///< the kernel or the installation lacks something that a promise needs
  path,    ///< a path of the policy does not exist or cannot be used as the policy asks
  label,   ///< a path carries a label that its use would break
  system,  ///< a system call failed for another reason
};

/// What is wrong, and what a person can do about it (empty when nothing is known).
struct Problem {
  ProblemKind kind = ProblemKind::system;
  std::string what;
  std::string mend;
};

/// A Problem of kind `system` that ends in the text of the current errno.
Problem system_problem(const std::string& what);

}  // namespace sluice::sandbox
