// Receives that this library matches itself, and the one function that moves all of them on.
#pragma once

#include <memory>

#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/point_to_point/datatype.hpp"
#include "untrusted/interpose/request/recycled.hpp"
#include "untrusted/interpose/transport/waiting.hpp"

namespace sluice::interpose {

/// A receive as a request.
extern const OwnKind kReceive;

/// A receive as MPI sees it.
struct MpiReceive final : Receive, OwnRequest, Recycled<MpiReceive> {
  MpiReceive() noexcept : OwnRequest(kReceive) {}

  const VirtualComm* comm = nullptr;  ///< that it was posted on
  void* user_buffer = nullptr;
  MPI_Count count = 0;
  MPI_Datatype datatype = MPI_DATATYPE_NULL;
  Layout layout{};
  bool owns_datatype = false;  ///< `datatype` is a duplicate: the user may free his own
  int partitions = 0;          ///< of a partitioned receive, else 0
  bool wants_local = false;    ///< a message of the own subject may complete it

  MPI_Request host_request = MPI_REQUEST_NULL;  ///< while the host MPI delivers a message of the own subject
  std::unique_ptr<std::byte[]> bounce;          ///< takes a message of the own subject that is too long
  bool by_host = false;
};

/// Takes arrived mail, matches messages of the own subject where wanted, and settles what is complete. Returns
/// whether anything moved. Precondition: the layer is locked.
bool progress();

/// Settles the receives that incoming mail has finished. Returns whether there was one. Precondition: locked.
bool settle_finished();

/// Ends a receive that nothing refers to.
void destroy_receive(OwnRequest& own) noexcept;

/// Starts a prepared receive: it takes a message that is there or waits in the queue. Precondition: locked.
void begin(MpiReceive& receive);

/// Whether a host receive for `wanted` would overtake one that is queued here. Precondition: locked.
bool must_queue(Envelope wanted);

/// Whether a receive that is queued here takes this message. Precondition: locked.
bool is_claimed(Envelope message);

/// Gives a message of the own subject that the host MPI has matched to the first queued receive that takes it. Returns
/// false if there is none. Precondition: locked.
bool hand_over(const VirtualComm& comm, MPI_Message* message, const MPI_Status& probed);

/// Fills a status as MPI_Recv does.
void fill_status(MPI_Status& status, const VirtualComm& comm, Envelope message, std::uint64_t bytes, bool cancelled);

/// One turn of a waiting loop: progress, and if nothing moved a pause. Not to be called with the layer locked.
void wait_turn(Waiter& waiter);

/// Waits until a request of our own is settled.
void wait_for_own(const OwnRequest& own);

/// Waits for a request of the host MPI while receives here go on. Returns the host's result.
int wait_for_host(MPI_Request* request, MPI_Status* status);

}  // namespace sluice::interpose
