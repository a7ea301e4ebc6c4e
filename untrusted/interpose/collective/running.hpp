// Collective operations under way: blocking, nonblocking or persistent.
#pragma once

#include <optional>

#include "untrusted/interpose/collective/plan.hpp"
#include "untrusted/interpose/request/own_request.hpp"

namespace sluice::interpose {

/// One collective operation as a request: the plan, and the steps of the run that goes on. Keeps the communicator's
/// hidden duplicate and the operation alive.
struct RunningCollective : OwnRequest {
  RunningCollective(VirtualComm& on, Plan what);
  RunningCollective(const RunningCollective&) = delete;
  RunningCollective& operator=(const RunningCollective&) = delete;
  ~RunningCollective();

  /// Takes part in the next collective on the communicator. Precondition: the layer is locked.
  void join();
  /// Begins a run. Precondition: the layer is locked, it has joined, and no run goes on.
  void begin();
  /// Gives back what join() took. Precondition: the layer is locked.
  void leave();

  VirtualComm& comm;
  Plan plan;
  int tag = 0;
  bool joined = false;
  std::optional<Schedule> schedule;

 private:
  void free_datatypes();
};

// All three return an error for which the error handler has been called.

/// Runs what is planned to its end.
int run_to_end(VirtualComm& comm, Plan plan);

/// Starts what is planned as a nonblocking operation (MPI 3.1, section 5.12).
int start_collective(VirtualComm& comm, Plan plan, MPI_Request* request);

/// Makes an inactive persistent request of what is planned (MPI 4.0, section 6.13). Requests that are made in the same
/// order at all ranks belong together; they may be started in any order.
int init_collective(VirtualComm& comm, Plan plan, MPI_Request* request);

}  // namespace sluice::interpose
