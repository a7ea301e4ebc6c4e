// MPI_Start, MPI_Cancel, MPI_Request_free and MPI_Request_get_status: over requests of this library and of the host
// MPI alike.
#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/peer.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"
#include "untrusted/interpose/request/watched.hpp"

namespace sluice::interpose {

namespace {

using Kind = TrackedRequest::Kind;

/// Precondition: the layer is locked.
TrackedRequest find_tracked(MPI_Request request) {
  return request == MPI_REQUEST_NULL ? TrackedRequest{} : layer.requests.find(handle_bits(request));
}

/// Ours that is persistent and not active, or null.
OwnRequest* startable(MPI_Request request, bool& ours) {
  const Lock lock;
  const TrackedRequest known = find_tracked(request);
  ours = known.kind == Kind::own;
  if (!ours || !known.own->persistent || known.own->active) return nullptr;
  known.own->active = true;
  return known.own;
}

bool are_of_host(int count, const MPI_Request* requests) {
  const Lock lock;
  return all_of_host(count, requests);
}

}  // namespace

namespace mediated {

int Start(MPI_Request* request) {
  bool ours = false;
  OwnRequest* own = startable(*request, ours);
  if (!ours) return host.Start(request);
  if (own == nullptr) return raise(MPI_COMM_WORLD, MPI_ERR_REQUEST);
  own->error = MPI_SUCCESS;
  const int error = own->kind->start(*own);
  if (error == MPI_SUCCESS) return MPI_SUCCESS;
  own->active = false;
  return raise_for_request(own->error_comm, error);
}

int Startall(int count, MPI_Request* requests) {
  if (count <= 0 || requests == nullptr || are_of_host(count, requests)) return host.Startall(count, requests);
  for (int i = 0; i < count; ++i) {
    if (const int error = Start(&requests[i]); error != MPI_SUCCESS) return error;
  }
  return MPI_SUCCESS;
}

int Request_get_status(MPI_Request request, int* flag, MPI_Status* status) {
  TrackedRequest known;
  start_due();
  {
    const Lock lock;
    progress();
    known = find_tracked(request);
    if (known.kind == Kind::own && known.own->active && known.own->settled) {
      *flag = 1;
      copy_status(status, known.own->status);
      return MPI_SUCCESS;
    }
  }
  if (known.kind == Kind::own && known.own->active) {
    *flag = 0;
    drive_host();
    return MPI_SUCCESS;
  }
  const int error = host.Request_get_status(request, flag, status);
  if (*flag != 0 && known.kind == Kind::translate) source_to_virtual(*known.comm, status);
  return error;
}

int Cancel(MPI_Request* request) {
  {
    const Lock lock;
    progress();
    const TrackedRequest known = find_tracked(*request);
    if (known.kind == Kind::own && known.own->active) {
      if (!known.own->settled && known.own->kind->cancel != nullptr) known.own->kind->cancel(*known.own);
      return MPI_SUCCESS;
    }
    if (known.kind == Kind::own) request = nullptr;
  }
  return request != nullptr ? host.Cancel(request) : raise(MPI_COMM_WORLD, MPI_ERR_REQUEST);
}

int Request_free(MPI_Request* request) {
  TrackedRequest known;
  {
    const Lock lock;
    known = find_tracked(*request);
    if (known.kind == Kind::own && known.own->active && !known.own->settled) {
      known.own->freed = true;  // the handle is given back when it settles
      *request = MPI_REQUEST_NULL;
      return MPI_SUCCESS;
    }
    if (known.kind == Kind::translate) {
      layer.requests.erase(handle_bits(*request));
      publish_tracked();
    }
  }
  if (known.kind != Kind::own) return host.Request_free(request);
  end(*known.own, request);
  return MPI_SUCCESS;
}

}  // namespace mediated

}  // namespace sluice::interpose
