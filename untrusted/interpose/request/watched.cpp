#include "untrusted/interpose/request/watched.hpp"

#include "untrusted/interpose/point_to_point/peer.hpp"

namespace sluice::interpose {

int Watched::look() {
  int pending_count = 0;
  done_ = 0;
  for (int i = 0; i < count_; ++i) {
    shown_[i] = requests_[i];
    known_[i] = requests_[i] == MPI_REQUEST_NULL ? TrackedRequest{} : layer.requests.find(handle_bits(requests_[i]));
    if (!is_own(i)) continue;
    // The host MPI knows what to do with one that is inactive.
    if (!known_[i].own->active) known_[i] = {};
    pending_count += pending(i) ? 1 : 0;
    done_ += done(i) ? 1 : 0;
  }
  return pending_count;
}

MPI_Request* Watched::shown() {
  for (int i = 0; i < count_; ++i) {
    if (is_own(i)) shown_[i] = MPI_REQUEST_NULL;
  }
  return shown_.data();
}

void Watched::take_back() {
  for (int i = 0; i < count_; ++i) {
    const MPI_Request before = requests_[i];
    if (is_own(i)) continue;
    requests_[i] = shown_[i];
    shown_[i] = before;
  }
}

void Watched::completed_by_host(int i, MPI_Status* status) {
  const TrackedRequest& known = known_[i];
  if (known.kind != TrackedRequest::Kind::translate) return;
  source_to_virtual(*known.comm, status);
  if (requests_[i] != MPI_REQUEST_NULL) return;  // persistent
  const Lock lock;
  const std::uint64_t key = handle_bits(shown_[i]);
  if (layer.requests.find(key).serial != known.serial) return;
  layer.requests.erase(key);
  publish_tracked();
}

}  // namespace sluice::interpose
