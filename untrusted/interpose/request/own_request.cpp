#include "untrusted/interpose/request/own_request.hpp"

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

/// A handle of the host MPI's that is nothing but that.
int take_handle(MPI_Request* handle) {
  {
    const Lock lock;
    if (!layer.spare_handles.empty()) {
      *handle = layer.spare_handles.back();
      layer.spare_handles.pop_back();
      return MPI_SUCCESS;
    }
  }
  return host.Send_init(nullptr, 0, MPI_BYTE, MPI_PROC_NULL, 0, layer.self, handle);
}

void track(OwnRequest& own) {
  const Lock lock;
  layer.requests.set(handle_bits(own.handle), TrackedRequest::Kind::own, 0, &own, nullptr);
  publish_tracked();
}

/// The program no longer holds the handle.
void give_back_handle(const OwnRequest& own) {
  layer.requests.erase(handle_bits(own.handle));
  publish_tracked();
  layer.spare_handles.push_back(own.handle);
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
  const int error = take_handle(&own.handle);
  if (error != MPI_SUCCESS) return error;
  *request = own.handle;
  track(own);
  return MPI_SUCCESS;
}

int hand_out_persistent(OwnRequest& own, MPI_Request* request) {
  own.persistent = true;
  own.active = false;
  return hand_out(own, request);
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
  if (own.handle == MPI_REQUEST_NULL || !own.freed) return;
  give_back_handle(own);
  own.kind->destroy(own);
}

void end(OwnRequest& own, MPI_Request* request) {
  {
    const Lock lock;
    give_back_handle(own);
  }
  *request = MPI_REQUEST_NULL;
  own.kind->destroy(own);
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
  end(own, request);
  return error;
}

void free_spare_handles() {
  for (MPI_Request& handle : layer.spare_handles) host.Request_free(&handle);
  layer.spare_handles.clear();
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
