#include "untrusted/interpose/request/own_request.hpp"

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

/// An error is told by this library, not by the host MPI, whose texts and codes of generalized requests differ.
int query_own(void* state, MPI_Status* status) {
  copy_status(status, static_cast<OwnRequest*>(state)->status);
  return MPI_SUCCESS;
}

int free_own(void* state) {
  auto& own = *static_cast<OwnRequest*>(state);
  own.kind->destroy(own);
  return MPI_SUCCESS;
}

/// MPI_Cancel comes to this library first (mediated::Cancel); a complete request cannot be cancelled.
int cancel_own(void*, int) { return MPI_SUCCESS; }

void track(OwnRequest& own) {
  const Lock lock;
  layer.requests.set(handle_bits(own.handle), {TrackedRequest::Kind::own, 0, &own, nullptr});
  publish_tracked();
}

void untrack(const OwnRequest& own) {
  layer.requests.erase(handle_bits(own.handle));
  publish_tracked();
}

void stop_polling(OwnRequest& own) noexcept {
  if (!own.polled) return;
  if (layer.next_polled == &own) layer.next_polled = PolledRequests::after(own);
  layer.polled.remove(own);
  own.polled = false;
  gate.local_wanted.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace

int hand_out(OwnRequest& own, MPI_Request* request) {
  const int error = PMPI_Grequest_start(query_own, free_own, cancel_own, &own, &own.handle);
  if (error != MPI_SUCCESS) return error;
  *request = own.handle;
  track(own);
  return MPI_SUCCESS;
}

int hand_out_persistent(OwnRequest& own, MPI_Request* request) {
  const int error = host.Send_init(nullptr, 0, MPI_BYTE, MPI_PROC_NULL, 0, layer.self, &own.handle);
  if (error != MPI_SUCCESS) return error;
  own.persistent = true;
  own.active = false;
  *request = own.handle;
  track(own);
  return MPI_SUCCESS;
}

void poll(OwnRequest& own) noexcept {
  if (own.polled) return;
  own.polled = true;
  layer.polled.push_back(own);
  gate.local_wanted.fetch_add(1, std::memory_order_relaxed);
}

void put_due(OwnRequest& own) {
  layer.due.push_back(&own);
  layer.due_count.fetch_add(1, std::memory_order_relaxed);
}

void start_due() {
  while (layer.due_count.load(std::memory_order_relaxed) != 0) {
    OwnRequest* own = nullptr;
    {
      const Lock lock;
      if (layer.due.empty()) return;
      own = layer.due.front();
      layer.due.pop_front();
      layer.due_count.fetch_sub(1, std::memory_order_relaxed);
    }
    own->kind->start(*own);
  }
}

void settle(OwnRequest& own) {
  stop_polling(own);
  own.settled = true;
  MPI_Request handle = own.handle;
  if (handle == MPI_REQUEST_NULL) return;
  const bool freed = own.freed;
  if (own.persistent) {
    if (!freed) return;
    own.kind->destroy(own);
    host.Request_free(&handle);
    return;
  }
  // Without an error it is a request like any other from here on; another thread may take it at once.
  if (own.error == MPI_SUCCESS || freed) untrack(own);
  PMPI_Grequest_complete(handle);
  if (freed) host.Request_free(&handle);
}

int reap(OwnRequest& own, MPI_Request* request, MPI_Status* status) {
  const int error = own.error;
  copy_status(status, own.status);
  if (own.persistent) {
    const Lock lock;
    own.active = false;
    own.settled = false;
    return error;
  }
  {
    const Lock lock;
    untrack(own);
  }
  host.Wait(request, MPI_STATUS_IGNORE);  // destroys it
  return error;
}

bool advance_polled() {
  bool moved = false;
  for (OwnRequest* own = layer.polled.first(); own != nullptr; own = layer.next_polled) {
    layer.next_polled = PolledRequests::after(*own);
    moved = own->kind->advance(*own) || moved;
  }
  return moved;
}

void copy_status(MPI_Status* to, const MPI_Status& from) noexcept {
  if (to == MPI_STATUS_IGNORE) return;
  const int kept = to->MPI_ERROR;
  *to = from;
  to->MPI_ERROR = kept;
}

int raise_for_request(MPI_Comm comm, int code) { return raise(is_virtual(comm) ? comm : MPI_COMM_WORLD, code); }

}  // namespace sluice::interpose
