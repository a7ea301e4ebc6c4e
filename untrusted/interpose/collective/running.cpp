#include "untrusted/interpose/collective/running.hpp"

#include <utility>

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/progress.hpp"

namespace sluice::interpose {

namespace {

void destroy_collective(OwnRequest& own) noexcept { delete &static_cast<RunningCollective&>(own); }

bool advance_collective(OwnRequest& own) {
  auto& running = static_cast<RunningCollective&>(own);
  const bool moved = running.schedule->advance();
  if (!running.schedule->done()) return moved;
  running.error = running.schedule->error();
  running.schedule.reset();
  settle(running);
  return true;
}

const OwnKind kCollective{destroy_collective, advance_collective, nullptr, nullptr};

}  // namespace

RunningCollective::RunningCollective(VirtualComm& on, Plan what)
    : OwnRequest(kCollective), comm(on), plan(std::move(what)) {
  error_comm = comm.host;
}

RunningCollective::~RunningCollective() {
  for (MPI_Datatype& datatype : plan.kept) PMPI_Type_free(&datatype);
}

void RunningCollective::begin() {
  subject_map_of(comm);
  schedule.emplace(comm, next_tag(comm));
  plan.build(*schedule);
  poll(*this);
}

int run_to_end(VirtualComm& comm, Plan plan) {
  if (plan.error != MPI_SUCCESS) return plan.error;
  RunningCollective running(comm, std::move(plan));
  {
    const Lock lock;
    running.begin();
  }
  Waiter waiter;
  for (;;) {
    bool moved = false;
    {
      const Lock lock;
      moved = progress();
      if (running.settled) break;
    }
    if (moved) {
      waiter.reset();
    } else {
      waiter.pause();
    }
  }
  return running.error == MPI_SUCCESS ? MPI_SUCCESS : raise(comm.host, running.error);
}

}  // namespace sluice::interpose
