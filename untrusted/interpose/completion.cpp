// MPI_Wait*, MPI_Test*: over requests of this library and of the host MPI alike.
//
// Our requests are generalized requests of the host MPI. An incomplete one is never handed to a completion call of
// the host; once complete, it is a request like any other.
#include <array>
#include <memory>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/peer.hpp"
#include "untrusted/interpose/progress.hpp"

namespace sluice::interpose {

namespace {

using Kind = TrackedRequest::Kind;

/// A few elements on the stack, more on the heap.
template <typename T>
class Scratch {
 public:
  explicit Scratch(int count) {
    if (static_cast<std::size_t>(count) > small_.size()) large_.reset(new T[static_cast<std::size_t>(count)]);
  }
  T& operator[](int i) noexcept { return data()[i]; }
  T* data() noexcept { return large_ != nullptr ? large_.get() : small_.data(); }

 private:
  std::array<T, 16> small_{};
  std::unique_ptr<T[]> large_;
};

TrackedRequest find_tracked(MPI_Request request) {
  return request == MPI_REQUEST_NULL ? TrackedRequest{} : layer.requests.find(handle_bits(request));
}

/// What is known of each request of a call, taken before the host may free the handles.
class Watched {
 public:
  Watched(int count, const MPI_Request* requests) : count_(count), handles_(count), tracked_(count) {
    for (int i = 0; i < count; ++i) handles_[i] = requests[i];
  }

  /// Looks all of them up. Returns how many are incomplete and ours. Precondition: the layer is locked.
  int look() {
    int pending = 0;
    for (int i = 0; i < count_; ++i) {
      tracked_[i] = find_tracked(handles_[i]);
      pending += tracked_[i].kind == Kind::pending ? 1 : 0;
    }
    return pending;
  }

  [[nodiscard]] bool pending(int i) { return tracked_[i].kind == Kind::pending; }

  /// Mends the status of request `i`, which the host has completed, and forgets the request if its handle is gone.
  /// `several`: the call completes several requests, so that statuses carry error codes.
  void completed(int i, MPI_Request now, MPI_Status* status, bool several) {
    const TrackedRequest& known = tracked_[i];
    if (known.kind == Kind::translate) source_to_virtual(*known.comm, status);
    if (known.kind == Kind::failed && several && status != MPI_STATUS_IGNORE) status->MPI_ERROR = known.error;
    if (known.kind == Kind::none || now != MPI_REQUEST_NULL) return;
    const Lock lock;
    layer.requests.erase(handle_bits(handles_[i]));
    gate.tracked.store(static_cast<int>(layer.requests.size()), std::memory_order_relaxed);
  }

 private:
  int count_;
  Scratch<MPI_Request> handles_;
  Scratch<TrackedRequest> tracked_;
};

/// One pass of progress and a fresh look. Returns how many requests are incomplete and ours.
int advance(Watched& watched, bool& moved) {
  const Lock lock;
  moved = progress();
  return watched.look();
}

void rest(Waiter& waiter, bool moved) {
  if (moved) {
    waiter.reset();
  } else {
    waiter.pause();
  }
}

MPI_Status* status_at(MPI_Status* statuses, int i) {
  return statuses == MPI_STATUSES_IGNORE ? MPI_STATUS_IGNORE : statuses + i;
}

/// Mends the statuses of a call over all requests. One that MPICH leaves pending after an error has kept its handle.
void all_completed(Watched& watched, int count, const MPI_Request* requests, MPI_Status* statuses, int error) {
  for (int i = 0; i < count; ++i) {
    MPI_Status* status = status_at(statuses, i);
    const bool left = error != MPI_SUCCESS && requests[i] != MPI_REQUEST_NULL;
    if (!left) watched.completed(i, requests[i], status, error != MPI_SUCCESS);
  }
}

/// Requests that the host may see: ours that are incomplete are left out.
void show_host(Watched& watched, int count, const MPI_Request* requests, Scratch<MPI_Request>& shown) {
  for (int i = 0; i < count; ++i) shown[i] = watched.pending(i) ? MPI_REQUEST_NULL : requests[i];
}

/// Takes over what the host has done to the requests that it has seen.
void take_back(Watched& watched, int count, MPI_Request* requests, Scratch<MPI_Request>& shown) {
  for (int i = 0; i < count; ++i) {
    if (!watched.pending(i)) requests[i] = shown[i];
  }
}

/// One look at any of the requests. `flag` is set when one is complete or none is active.
int test_any(int count, MPI_Request* requests, int* index, int* flag, MPI_Status* status, bool& moved) {
  Watched watched(count, requests);
  const int pending = advance(watched, moved);
  Scratch<MPI_Request> shown(count);
  show_host(watched, count, requests, shown);
  const int error = host.Testany(count, shown.data(), index, flag, status);
  take_back(watched, count, requests, shown);
  const bool found = *flag != 0 && *index != MPI_UNDEFINED;
  if (found) watched.completed(*index, requests[*index], status, false);
  if (error == MPI_SUCCESS && !found && pending != 0) *flag = 0;
  return error;
}

/// One look at some of the requests. `*outcount` is 0 when none is complete, MPI_UNDEFINED when none is active.
int test_some(int count, MPI_Request* requests, int* outcount, int* indices, MPI_Status* statuses, bool& moved) {
  Watched watched(count, requests);
  const int pending = advance(watched, moved);
  Scratch<MPI_Request> shown(count);
  show_host(watched, count, requests, shown);
  const int error = host.Testsome(count, shown.data(), outcount, indices, statuses);
  take_back(watched, count, requests, shown);
  if (*outcount == MPI_UNDEFINED) {
    if (pending != 0) *outcount = 0;
    return error;
  }
  for (int k = 0; k < *outcount; ++k) {
    watched.completed(indices[k], requests[indices[k]], status_at(statuses, k), error != MPI_SUCCESS);
  }
  return error;
}

int test_all(int count, MPI_Request* requests, int* flag, MPI_Status* statuses, bool& moved) {
  Watched watched(count, requests);
  if (advance(watched, moved) != 0) {
    *flag = 0;
    drive_host();
    return MPI_SUCCESS;
  }
  const int error = host.Testall(count, requests, flag, statuses);
  if (*flag != 0 || error != MPI_SUCCESS) all_completed(watched, count, requests, statuses, error);
  return error;
}

}  // namespace

namespace mediated {

int Wait(MPI_Request* request, MPI_Status* status) {
  Waiter waiter;
  Watched watched(1, request);
  for (bool moved = false; advance(watched, moved) != 0;) rest(waiter, moved);
  const int error = wait_for_host(request, status);
  watched.completed(0, *request, status, false);
  return error;
}

int Waitall(int count, MPI_Request* requests, MPI_Status* statuses) {
  if (count <= 0) return host.Waitall(count, requests, statuses);
  Waiter waiter;
  Watched watched(count, requests);
  for (bool moved = false; advance(watched, moved) != 0;) rest(waiter, moved);
  int error = MPI_SUCCESS;
  for (;;) {
    if (!local_messages_wanted()) {
      error = host.Waitall(count, requests, statuses);
      break;
    }
    int flag = 0;
    error = host.Testall(count, requests, &flag, statuses);
    if (flag != 0 || error != MPI_SUCCESS) break;
    wait_turn(waiter);
  }
  all_completed(watched, count, requests, statuses, error);
  return error;
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
  const int error = host.Test(request, flag, status);
  if (*flag != 0 || error != MPI_SUCCESS) watched.completed(0, *request, status, false);
  return error;
}

int Testall(int count, MPI_Request* requests, int* flag, MPI_Status* statuses) {
  if (count <= 0) return host.Testall(count, requests, flag, statuses);
  bool moved = false;
  return test_all(count, requests, flag, statuses, moved);
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

int Request_get_status(MPI_Request request, int* flag, MPI_Status* status) {
  Watched watched(1, &request);
  bool moved = false;
  if (advance(watched, moved) != 0) {
    *flag = 0;
    drive_host();
    return MPI_SUCCESS;
  }
  const int error = host.Request_get_status(request, flag, status);
  if (*flag != 0) watched.completed(0, request, status, false);
  return error;
}

int Cancel(MPI_Request* request) {
  {
    const Lock lock;
    progress();
    const TrackedRequest known = find_tracked(*request);
    if (known.kind == Kind::pending) {
      cancel(*known.receive);
      return MPI_SUCCESS;
    }
  }
  return host.Cancel(request);
}

int Request_free(MPI_Request* request) {
  {
    const Lock lock;
    const TrackedRequest known = find_tracked(*request);
    if (known.kind != Kind::none) {
      layer.requests.erase(handle_bits(*request));
      gate.tracked.store(static_cast<int>(layer.requests.size()), std::memory_order_relaxed);
    }
    if (known.kind == Kind::pending) {
      known.receive->freed = true;  // the host's handle goes when the receive is complete
      *request = MPI_REQUEST_NULL;
      return MPI_SUCCESS;
    }
  }
  return host.Request_free(request);
}

}  // namespace mediated

}  // namespace sluice::interpose
