// Collective operations under way, blocking or as requests.
#pragma once

#include <optional>

#include "untrusted/interpose/collective/plan.hpp"
#include "untrusted/interpose/own_request.hpp"

namespace sluice::interpose {

/// One collective operation as a request: the plan, and the steps of the run that goes on.
struct RunningCollective : OwnRequest {
  RunningCollective(VirtualComm& on, Plan what);
  RunningCollective(const RunningCollective&) = delete;
  RunningCollective& operator=(const RunningCollective&) = delete;
  ~RunningCollective();

  /// Begins a run. Precondition: the layer is locked, and no run goes on.
  void begin();

  VirtualComm& comm;
  Plan plan;
  std::optional<Schedule> schedule;
};

/// Runs what is planned to its end. Returns an error for which the error handler has been called.
int run_to_end(VirtualComm& comm, Plan plan);

}  // namespace sluice::interpose
