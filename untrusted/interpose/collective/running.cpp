#include "untrusted/interpose/collective/running.hpp"

#include <memory>
#include <new>
#include <utility>

#include "untrusted/interpose/collective/operation_use.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"

namespace sluice::interpose {

namespace {

bool advance_collective(OwnRequest& own) {
  auto& running = static_cast<RunningCollective&>(own);
  const bool moved = running.schedule->advance();
  if (!running.schedule->done()) return moved;
  running.error = running.schedule->error();
  running.schedule.reset();
  if (!running.persistent) running.leave();
  settle(running);
  return true;
}

/// The host MPI may call it: without the lock. A persistent one is freed by this library alone.
void destroy_collective(OwnRequest& own) noexcept { delete &static_cast<RunningCollective&>(own); }

int start_persistent(OwnRequest& own) {
  auto& running = static_cast<RunningCollective&>(own);
  const Lock lock;
  running.error = MPI_SUCCESS;
  running.begin();
  progress();
  return MPI_SUCCESS;
}

const OwnKind kCollective{destroy_collective, advance_collective, nullptr, start_persistent};

/// Does for others what a call that was refused here still owes them. It goes on while the program does.
int withdraw(VirtualComm& comm, Plan plan, bool persistent) {
  const int error = plan.error;
  if (!plan.build) return error;
  auto* running = new (std::nothrow) RunningCollective(comm, std::move(plan));
  MPI_Request request = MPI_REQUEST_NULL;
  if (running == nullptr) return error;
  if (hand_out(*running, &request) != MPI_SUCCESS) {
    delete running;
    return error;
  }
  const Lock lock;
  running->freed = true;
  running->join();
  running->tag = persistent ? next_persistent_tag(comm) : next_tag(comm);
  running->begin();
  progress();
  return error;
}

/// Null, with the error handler called, if there is no memory.
RunningCollective* make_running(VirtualComm& comm, Plan plan) {
  auto* made = new (std::nothrow) RunningCollective(comm, std::move(plan));
  if (made == nullptr) raise(comm.host, MPI_ERR_NO_MEM);
  return made;
}

}  // namespace

RunningCollective::RunningCollective(VirtualComm& on, Plan what)
    : OwnRequest(kCollective), comm(on), plan(std::move(what)) {
  error_comm = comm.host;
}

RunningCollective::~RunningCollective() {
  leave();
  free_datatypes();
}

void RunningCollective::free_datatypes() {
  for (MPI_Datatype& datatype : plan.kept) PMPI_Type_free(&datatype);
  plan.kept.clear();
}

void RunningCollective::join() {
  ++comm.users;
  pin_operation(plan.op);
  joined = true;
}

void RunningCollective::begin() {
  schedule.emplace(comm, tag);
  plan.build(*schedule);
  // Often it only sends, or all that it receives is there.
  advance_collective(*this);
  if (!settled) poll(*this);
}

void RunningCollective::leave() {
  if (!joined) return;
  joined = false;
  unpin_operation(plan.op);
  free_datatypes();  // not by the destructor: MPICH calls that with its lock held
  --comm.users;
  release_hidden(comm);
}

int run_to_end(VirtualComm& comm, Plan plan) {
  if (plan.error != MPI_SUCCESS) return withdraw(comm, std::move(plan), false);
  RunningCollective running(comm, std::move(plan));
  bool done = false;
  {
    const Lock lock;
    running.join();
    running.tag = next_tag(comm);
    running.begin();
    done = running.settled;
  }
  if (!done) wait_for_own(running);
  return running.error == MPI_SUCCESS ? MPI_SUCCESS : raise(comm.host, running.error);
}

int start_collective(VirtualComm& comm, Plan plan, MPI_Request* request) {
  if (plan.error != MPI_SUCCESS) return withdraw(comm, std::move(plan), false);
  RunningCollective* running = make_running(comm, std::move(plan));
  if (running == nullptr) return MPI_ERR_NO_MEM;
  if (const int error = hand_out(*running, request); error != MPI_SUCCESS) {
    delete running;
    return error;
  }
  const Lock lock;
  running->join();
  running->tag = next_tag(comm);
  running->begin();
  progress();
  return MPI_SUCCESS;
}

int init_collective(VirtualComm& comm, Plan plan, MPI_Request* request) {
  if (plan.error != MPI_SUCCESS) return withdraw(comm, std::move(plan), true);
  RunningCollective* running = make_running(comm, std::move(plan));
  if (running == nullptr) return MPI_ERR_NO_MEM;
  if (const int error = hand_out_persistent(*running, request); error != MPI_SUCCESS) {
    delete running;
    return error;
  }
  const Lock lock;
  running->join();
  running->tag = next_persistent_tag(comm);
  return MPI_SUCCESS;
}

}  // namespace sluice::interpose
