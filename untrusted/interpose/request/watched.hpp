// What is known of the requests of one call that completes requests.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

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

/// Whether none of the requests needs attention. Precondition: the layer is locked.
inline bool all_of_host(int count, const MPI_Request* requests) noexcept {
  return std::all_of(requests, requests + count, [](MPI_Request request) {
    return layer.requests.find(handle_bits(request)).kind == TrackedRequest::Kind::none;
  });
}

/// The requests of one call. Looks them up before the host MPI may free the handles.
class Watched {
 public:
  Watched(int count, MPI_Request* requests) : count_(count), requests_(requests), known_(count), shown_(count) {}

  /// Looks all of them up. Returns how many are ours, active and incomplete. Precondition: the layer is locked.
  int look();

  [[nodiscard]] int count() const noexcept { return count_; }
  /// Ours, active and incomplete, as look() found it.
  [[nodiscard]] bool pending(int i) { return is_own(i) && !known_[i].own->settled; }
  /// Ours and complete.
  [[nodiscard]] bool done(int i) { return is_own(i) && known_[i].own->settled; }
  /// How many are ours and complete.
  [[nodiscard]] int done_count() const noexcept { return done_; }

  /// The requests as the host MPI may see them: without ours that are active.
  MPI_Request* shown();
  /// Takes over what the host MPI has done to those.
  void take_back();

  /// The host MPI has completed request `i`, or left it: mends its status and forgets what is over.
  void completed_by_host(int i, MPI_Status* status);

  /// Takes the result of one of ours that is complete. Returns its error; see reap().
  int reap_own(int i, MPI_Status* status) { return reap(*known_[i].own, &requests_[i], status); }
  /// Whose error handler hears of its error. To be asked before reap_own().
  [[nodiscard]] MPI_Comm error_comm(int i) { return known_[i].own->error_comm; }

 private:
  [[nodiscard]] bool is_own(int i) { return known_[i].kind == TrackedRequest::Kind::own; }

  int count_;
  int done_ = 0;
  MPI_Request* requests_;
  Scratch<TrackedRequest> known_;
  Scratch<MPI_Request> shown_;
};

}  // namespace sluice::interpose
