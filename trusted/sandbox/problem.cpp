#include "trusted/sandbox/problem.hpp"

#include <cerrno>
#include <system_error>

namespace sluice::sandbox {

Problem system_problem(const std::string& what) {
  const int error = errno;
  return Problem{ProblemKind::system, what + ": " + std::generic_category().message(error), ""};
}

}  // namespace sluice::sandbox
