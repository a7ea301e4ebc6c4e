// Every call that is refused on a communicator that spans subjects, whatever the policy says.
#pragma once

#include <mpi.h>

#include <functional>
#include <vector>

namespace sluice::testing {

struct RefusedCall {
  const char* name;
  std::function<int(MPI_Comm)> call;
  bool collective = false;  ///< judged by its data flow: the same text at every rank
};

/// Calls that would need every rank of the communicator, or make something new from it.
std::vector<RefusedCall> refused_calls();

}  // namespace sluice::testing
