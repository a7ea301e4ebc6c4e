// The state of this library in one process of a run of several subjects.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "host_table.hpp"
#include "untrusted/interpose/collective/scratch.hpp"
#include "untrusted/interpose/communicator/communicator.hpp"
#include "untrusted/interpose/gate.hpp"
#include "untrusted/interpose/point_to_point/matched_message.hpp"
#include "untrusted/interpose/point_to_point/synchronous.hpp"
#include "untrusted/interpose/request/own_request.hpp"
#include "untrusted/interpose/request/request_map.hpp"
#include "untrusted/interpose/transport/guard_session.hpp"
#include "untrusted/interpose/transport/incoming.hpp"
#include "untrusted/interpose/transport/transmit_ring.hpp"

namespace sluice::interpose {

struct Layer {
  bool greeted = false;  ///< there is a guard, and it has welcomed this rank
  bool active = false;   ///< the run's world has several subjects
  bool threads = false;  ///< MPI_THREAD_MULTIPLE
  std::mutex mutex;      ///< guards all below; never held while the host MPI blocks or user code runs
  GuardSession session;
  std::int32_t world_rank = 0;    ///< of this process in the run
  std::int32_t first_rank = 0;    ///< world rank of the own subject's first process
  std::int32_t subject_size = 0;  ///< processes of the own subject
  std::int32_t world_size = 0;    ///< of the run
  MPI_Comm subject = MPI_COMM_NULL;
  MPI_Comm self = MPI_COMM_NULL;  ///< private duplicate of MPI_COMM_SELF
  int tag_bound = 0;              ///< MPI_TAG_UB of communicators that span subjects
  TransmitRing ring;
  std::vector<std::optional<SharedOutflow>> shared;  ///< by world rank; empty without shared paths
  Incoming incoming;
  RequestMap requests;
  std::vector<MPI_Request> spare_handles;  ///< for requests of this library
  std::uint32_t request_serial = 0;        ///< of the newest entry that needs one
  SynchronousSends synchronous;
  MessageMap messages;                   ///< matched by MPI_Mprobe and not received yet
  PolledRequests polled;                 ///< requests that move in progress()
  OwnRequest* next_polled = nullptr;     ///< while progress() goes through them
  std::deque<OwnRequest*> due;           ///< to be started by start_due()
  std::atomic<int> due_count{0};         ///< how many; read without the lock
  bool writing = false;                  ///< a message is half written: nothing else may be written
  bool leaves_mail = false;              ///< and it is short: what nobody waits for can stay where it is so long
  ReceiveQueue host_matched;             ///< receives whose message the host MPI is delivering
  ScratchPool scratch;                   ///< of collectives
  bool host_turn = false;                ///< the next receive from any source looks at the own subject first
  std::uint64_t intercommunicators = 0;  ///< that this process has made as a leader
  std::vector<std::unique_ptr<VirtualComm>> communicators;  ///< that span subjects
  std::vector<std::unique_ptr<VirtualComm>> forgotten;      ///< freed by the program; a request may still name them

  /// The shared path to `rank` of the run, or null if there is none.
  [[nodiscard]] SharedOutflow* shared_outflow(std::uint32_t rank) noexcept {
    return rank < shared.size() && shared[rank] ? &*shared[rank] : nullptr;
  }
};

/// Never destroyed: other libraries may call MPI while the process ends.
union LayerStorage {
  LayerStorage() : layer() {}
  ~LayerStorage() {}  // NOLINT(modernize-use-equals-default)
  LayerStorage(const LayerStorage&) = delete;
  LayerStorage& operator=(const LayerStorage&) = delete;
  Layer layer;
};
extern LayerStorage layer_storage;
inline Layer& layer = layer_storage.layer;

/// Tells the gate how many requests need attention. To be called after each change of layer.requests.
inline void publish_tracked() noexcept {
  gate.tracked.store(static_cast<int>(layer.requests.size()), std::memory_order_relaxed);
}

/// Holds the layer's mutex where threads may be about.
class [[nodiscard]] Lock {
 public:
  Lock() {
    if (layer.threads) layer.mutex.lock();
  }
  ~Lock() {
    if (layer.threads) layer.mutex.unlock();
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
};

/// Connects to the guard if there is one. Called once, after the host's MPI_Init. Fails closed.
void start_layer();

/// Before and after the host's MPI_Finalize.
void prepare_to_stop();
void stop_layer();

}  // namespace sluice::interpose
