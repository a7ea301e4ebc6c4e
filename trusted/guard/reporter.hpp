// How the guard's threads tell the launcher what happened.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "trusted/guard/control.hpp"
#include "trusted/guard/doorbell.hpp"

namespace sluice::guard {

/// Events from any thread of the guard to the launcher. The launcher writes to terminals and disks and may be slow for
/// reasons that are no business of a sender's, so ingress never waits for it: it posts, and a thread of the reporter's
/// own sends. There is no lock.
class Reporter {
 public:
  explicit Reporter(int socket);

  /// Sends at once and waits until the launcher's socket has room. For the end of a subject, which must be known
  /// before its processes find out, and for the receivers' side.
  void send(const Event& event) const noexcept;

  /// Leaves the event to forward(). Costs the same whatever the launcher does, but for waking forward() if it sleeps.
  /// An event that finds the queue full is counted and lost; the queue has room for all that ranks can cause.
  void post(const Event& event) const noexcept;

  /// Sends what is posted, for ever. One thread.
  [[noreturn]] void forward() const noexcept;

 private:
  /// Both events of every rank of the largest run, twice over.
  static constexpr std::uint64_t kCapacity = std::uint64_t{4} * wire::kMaxRanks;

  struct Slot {
    std::atomic<std::uint64_t> filled{0};  ///< 1 + the ticket of the event that lies here
    Event event{};
  };
  struct Queue {
    alignas(wire::kCacheLine) std::atomic<std::uint64_t> tail{0};  ///< next ticket
    alignas(wire::kCacheLine) std::atomic<std::uint64_t> head{0};  ///< tickets before this one have been sent
    std::atomic<std::uint32_t> lost{0};
    FlowBell bell;
    std::array<Slot, kCapacity> slots{};
  };

  /// True if there was a posted event.
  bool forward_one() const noexcept;

  int socket_;
  std::unique_ptr<Queue> queue_;
};

}  // namespace sluice::guard
