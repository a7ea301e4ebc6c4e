// MPI_Wait*, MPI_Test*: over requests of this library and of the host MPI alike.
//
// The host MPI never sees a request of ours that is active. It completes its own, inactive and null ones; ours are
// taken one by one, and statuses and errors put together as the standard says (MPI 3.1, section 3.7.5).
#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/peer.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"
#include "untrusted/interpose/request/watched.hpp"

namespace sluice::interpose {

namespace {

/// One pass of progress and a fresh look. Returns how many requests are ours and incomplete.
int advance(Watched& watched, bool& moved) {
  start_due();
  const Lock lock;
  moved = progress();
  return watched.look();
}

/// Between two passes of a call that waits.
void rest(Waiter& waiter, bool moved) {
  if (!moved) {
    const Lock lock;
    moved = layer.incoming.give_up_on_self() && settle_finished();
  }
  if (moved) {
    waiter.reset();
  } else {
    waiter.pause();
  }
}

/// Waits until all of ours are complete. No pass where they are already: it would take mail for which nobody waits yet.
void wait_for_own_of(Watched& watched, Waiter& waiter) {
  {
    const Lock lock;
    if (watched.look() == 0) return;
  }
  for (bool moved = false; advance(watched, moved) != 0;) rest(waiter, moved);
}

/// One pass of progress, and whether a call that waits may leave the rest to the host MPI: none but the host's own
/// requests are concerned, and nothing here has to go on meanwhile.
bool may_be_left_to_host(int count, const MPI_Request* requests) {
  const Lock lock;
  progress();
  return !local_messages_wanted() && all_of_host(count, requests);
}

MPI_Status* status_at(MPI_Status* statuses, int i) {
  return statuses == MPI_STATUSES_IGNORE ? MPI_STATUS_IGNORE : statuses + i;
}

/// Errors of ours among the requests of one call.
struct Failure {
  int error = MPI_SUCCESS;  ///< the first
  MPI_Comm comm = MPI_COMM_NULL;

  /// Takes the result of request `i`, which is ours and complete.
  int reap(Watched& watched, int i, MPI_Status* status) {
    const MPI_Comm comm_of_i = watched.error_comm(i);
    const int own_error = watched.reap_own(i, status);
    if (own_error == MPI_SUCCESS || error != MPI_SUCCESS) return own_error;
    error = own_error;
    comm = comm_of_i;
    return own_error;
  }

  /// Calls the error handler. Returns MPI_ERR_IN_STATUS.
  [[nodiscard]] int raise_in_status() const {
    raise_for_request(comm, error);
    return MPI_ERR_IN_STATUS;
  }
};

void set_error(MPI_Status* status, int error) {
  if (status != MPI_STATUS_IGNORE) status->MPI_ERROR = error;
}

/// Puts the results of all requests together after the host MPI has completed those it may see. Statuses carry error
/// codes only if some request has failed; those of the host's are there if `host_error` says so.
int gather_all(Watched& watched, MPI_Request* requests, MPI_Status* statuses, int host_error) {
  watched.take_back();
  const bool in_status = host_error == MPI_ERR_IN_STATUS;
  if (host_error != MPI_SUCCESS && !in_status) return host_error;
  Failure failure;
  Scratch<int> errors(watched.count());
  for (int i = 0; i < watched.count(); ++i) {
    MPI_Status* status = status_at(statuses, i);
    errors[i] = MPI_SUCCESS;
    if (watched.done(i)) {
      errors[i] = failure.reap(watched, i, status);
      if (in_status) set_error(status, errors[i]);
    } else if (!in_status || requests[i] == MPI_REQUEST_NULL) {  // MPICH leaves some pending after an error
      watched.completed_by_host(i, status);
    }
  }
  if (in_status || failure.error == MPI_SUCCESS) return host_error;
  for (int i = 0; i < watched.count(); ++i) set_error(status_at(statuses, i), errors[i]);
  return failure.raise_in_status();
}

/// One look at all of the requests, of which none of ours is incomplete.
int test_all(Watched& watched, MPI_Request* requests, int* flag, MPI_Status* statuses) {
  const int error = host.Testall(watched.count(), watched.shown(), flag, statuses);
  if (error != MPI_SUCCESS || *flag != 0) return gather_all(watched, requests, statuses, error);
  watched.take_back();
  return MPI_SUCCESS;
}

/// One look at any of the requests. `flag` is set when one is complete or none is active.
int test_any(int count, MPI_Request* requests, int* index, int* flag, MPI_Status* status, bool& moved) {
  Watched watched(count, requests);
  const int pending = advance(watched, moved);
  for (int i = 0; watched.done_count() != 0 && i < count; ++i) {
    if (!watched.done(i)) continue;
    *index = i;
    *flag = 1;
    Failure failure;
    const int error = failure.reap(watched, i, status);
    return error == MPI_SUCCESS ? MPI_SUCCESS : raise_for_request(failure.comm, error);
  }
  const int error = host.Testany(count, watched.shown(), index, flag, status);
  watched.take_back();
  const bool found = *flag != 0 && *index != MPI_UNDEFINED;
  if (found) watched.completed_by_host(*index, status);
  if (error == MPI_SUCCESS && !found && pending != 0) *flag = 0;
  return error;
}

/// Adds ours that are complete to those that the host MPI has completed.
int gather_some(Watched& watched, int* outcount, int* indices, MPI_Status* statuses, int host_error) {
  const int of_host = *outcount;
  Failure failure;
  Scratch<int> errors(watched.count());
  for (int k = 0; k < of_host; ++k) errors[k] = MPI_SUCCESS;
  for (int i = 0; i < watched.count(); ++i) {
    if (!watched.done(i)) continue;
    indices[*outcount] = i;
    errors[*outcount] = failure.reap(watched, i, status_at(statuses, *outcount));
    ++*outcount;
  }
  const bool in_status = host_error == MPI_ERR_IN_STATUS;
  if (!in_status && failure.error == MPI_SUCCESS) return MPI_SUCCESS;
  for (int k = in_status ? of_host : 0; k < *outcount; ++k) set_error(status_at(statuses, k), errors[k]);
  return in_status ? host_error : failure.raise_in_status();
}

/// One look at some of the requests. `*outcount` is 0 when none is complete, MPI_UNDEFINED when none is active.
int test_some(int count, MPI_Request* requests, int* outcount, int* indices, MPI_Status* statuses, bool& moved) {
  Watched watched(count, requests);
  const int pending = advance(watched, moved);
  const int error = host.Testsome(count, watched.shown(), outcount, indices, statuses);
  watched.take_back();
  if (error != MPI_SUCCESS && error != MPI_ERR_IN_STATUS) return error;
  const bool idle = *outcount == MPI_UNDEFINED;
  for (int k = 0; !idle && k < *outcount; ++k) watched.completed_by_host(indices[k], status_at(statuses, k));
  if (idle && pending == 0 && watched.done_count() == 0) return error;
  if (idle) *outcount = 0;
  return gather_some(watched, outcount, indices, statuses, error);
}

/// Takes the result of the one request of a call, which is ours and complete.
int finish_own(Watched& watched, MPI_Status* status) {
  Failure failure;
  const int error = failure.reap(watched, 0, status);
  return error == MPI_SUCCESS ? MPI_SUCCESS : raise_for_request(failure.comm, error);
}

}  // namespace

namespace mediated {

int Wait(MPI_Request* request, MPI_Status* status) {
  if (may_be_left_to_host(1, request)) return host.Wait(request, status);
  Waiter waiter;
  Watched watched(1, request);
  wait_for_own_of(watched, waiter);
  if (watched.done(0)) return finish_own(watched, status);
  const int error = wait_for_host(watched.shown(), status);
  watched.take_back();
  watched.completed_by_host(0, status);
  return error;
}

int Waitall(int count, MPI_Request* requests, MPI_Status* statuses) {
  if (count <= 0) return host.Waitall(count, requests, statuses);
  if (may_be_left_to_host(count, requests)) return host.Waitall(count, requests, statuses);
  Waiter waiter;
  Watched watched(count, requests);
  wait_for_own_of(watched, waiter);
  while (local_messages_wanted()) {
    int flag = 0;
    const int error = test_all(watched, requests, &flag, statuses);
    if (flag != 0 || error != MPI_SUCCESS) return error;
    wait_turn(waiter);
  }
  return gather_all(watched, requests, statuses, host.Waitall(count, watched.shown(), statuses));
}

int Waitany(int count, MPI_Request* requests, int* index, MPI_Status* status) {
  if (count <= 0) return host.Waitany(count, requests, index, status);
  Waiter waiter;
  for (;;) {
    bool moved = false;
    int flag = 0;
    const int error = test_any(count, requests, index, &flag, status, moved);
    if (flag != 0 || error != MPI_SUCCESS) return error;
    rest(waiter, moved);
  }
}

int Waitsome(int incount, MPI_Request* requests, int* outcount, int* indices, MPI_Status* statuses) {
  if (incount <= 0) return host.Waitsome(incount, requests, outcount, indices, statuses);
  Waiter waiter;
  for (;;) {
    bool moved = false;
    const int error = test_some(incount, requests, outcount, indices, statuses, moved);
    if (*outcount != 0 || error != MPI_SUCCESS) return error;
    rest(waiter, moved);
  }
}

int Test(MPI_Request* request, int* flag, MPI_Status* status) {
  Watched watched(1, request);
  bool moved = false;
  if (advance(watched, moved) != 0) {
    *flag = 0;
    drive_host();
    return MPI_SUCCESS;
  }
  if (watched.done(0)) {
    *flag = 1;
    return finish_own(watched, status);
  }
  const int error = host.Test(watched.shown(), flag, status);
  watched.take_back();
  if (*flag != 0 || error != MPI_SUCCESS) watched.completed_by_host(0, status);
  return error;
}

int Testall(int count, MPI_Request* requests, int* flag, MPI_Status* statuses) {
  if (count <= 0) return host.Testall(count, requests, flag, statuses);
  Watched watched(count, requests);
  bool moved = false;
  if (advance(watched, moved) != 0) {
    *flag = 0;
    drive_host();
    return MPI_SUCCESS;
  }
  return test_all(watched, requests, flag, statuses);
}

int Testany(int count, MPI_Request* requests, int* index, int* flag, MPI_Status* status) {
  if (count <= 0) return host.Testany(count, requests, index, flag, status);
  bool moved = false;
  return test_any(count, requests, index, flag, status, moved);
}

int Testsome(int incount, MPI_Request* requests, int* outcount, int* indices, MPI_Status* statuses) {
  if (incount <= 0) return host.Testsome(incount, requests, outcount, indices, statuses);
  bool moved = false;
  return test_some(incount, requests, outcount, indices, statuses, moved);
}

}  // namespace mediated

}  // namespace sluice::interpose
