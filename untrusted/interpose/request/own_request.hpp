// Requests that this library completes itself: receives it matches, synchronous sends, collectives, and so on.
//
// A program holds a genuine handle of the host MPI: of a persistent send to MPI_PROC_NULL that is never started, so to
// the host MPI it is inactive for ever. A request leaves its handle to a later one. (A generalized request for each
// costs the host MPI more than all the rest of a short receive.)
#pragma once

#include <cstdint>

#include "untrusted/interpose/host_mpi.hpp"
#include "untrusted/interpose/request/list.hpp"

namespace sluice::interpose {

struct OwnRequest;

/// What one kind of request does. One constant for each kind.
struct OwnKind {
  /// Gives the request and what it holds back. It takes no lock: settle() calls it with the layer locked.
  void (*destroy)(OwnRequest& request) noexcept;
  /// One step, called in every pass of progress() after poll(), until the request is settled. It never blocks and may
  /// write messages. Ends with settle() when nothing is left to do. Returns whether anything moved.
  bool (*advance)(OwnRequest& request) = nullptr;
  /// Tries to take it back; it settles as cancelled if that succeeds. Null: cancelling never succeeds.
  void (*cancel)(OwnRequest& request) = nullptr;
  /// Starts a persistent one once more, or one that was put off (put_due()). Returns an MPI error, for which no error
  /// handler has been called; one that was put off keeps it. Called without the lock.
  int (*start)(OwnRequest& request) = nullptr;
};

/// Base of all of them. `status` and `error` are for whoever waits, valid once `settled`.
struct OwnRequest {
  explicit OwnRequest(const OwnKind& what) noexcept : kind(&what) {}

  const OwnKind* kind;
  MPI_Comm error_comm = MPI_COMM_NULL;    ///< whose error handler hears of `error`
  MPI_Request handle = MPI_REQUEST_NULL;  ///< the program's; null in a blocking call
  bool persistent = false;
  bool active = true;    ///< a persistent one is active from its start until it is waited for
  bool settled = false;  ///< nothing moves any more
  bool freed = false;    ///< MPI_Request_free while it was active: goes when it settles
  bool polled = false;   ///< in layer.polled
  MPI_Status status{};
  int error = MPI_SUCCESS;
  Link<OwnRequest> in_polled;
};

using PolledRequests = List<OwnRequest, &OwnRequest::in_polled>;

/// Makes the program's handle of a request that is used once, and tracks it. Returns an MPI error; then the caller
/// still owns `own`. From success on its kind's destroy() ends it. Call it without the lock, before anything can
/// settle the request.
int hand_out(OwnRequest& own, MPI_Request* request);

/// The same for a persistent request, inactive at first.
int hand_out_persistent(OwnRequest& own, MPI_Request* request);

/// From now on progress() calls the kind's advance(), also while the program waits in calls for the own subject.
/// Precondition: the layer is locked.
void poll(OwnRequest& own) noexcept;

/// Puts off the kind's start() to where the lock is not held: it calls the host MPI, which may run code of the program.
/// Precondition: the layer is locked.
void put_due(OwnRequest& own);

/// Starts what was put off. Not to be called with the layer locked.
void start_due();

/// Completes a request whose `status` and `error` are final; it may be gone afterwards. Precondition: locked.
void settle(OwnRequest& own);

/// Takes the result of a settled request from its handle, as MPI_Wait does: one used once is gone and `*request` is
/// MPI_REQUEST_NULL, a persistent one is inactive. MPI_ERROR of the status stays as it is. Returns the request's error,
/// for which no error handler has been called. Not to be called with the layer locked.
int reap(OwnRequest& own, MPI_Request* request, MPI_Status* status);

/// Ends a request of which nothing is under way, as MPI_Request_free does. `*request` becomes MPI_REQUEST_NULL. Not to
/// be called with the layer locked.
void end(OwnRequest& own, MPI_Request* request);

/// Before the host MPI is finalized.
void free_spare_handles();

/// One step of every polled request. Returns whether anything moved. Precondition: locked, no message half written.
bool advance_polled();

/// Copies a status, but for its MPI_ERROR: only calls that complete several requests set that.
void copy_status(MPI_Status* to, const MPI_Status& from) noexcept;

/// Raises `code` for a request that was made on `comm`, which the program may have freed since. Returns `code`.
int raise_for_request(MPI_Comm comm, int code);

}  // namespace sluice::interpose
