#include "trusted/guard/reporter.hpp"

#include <sys/socket.h>

namespace sluice::guard {

Reporter::Reporter(int socket) : socket_(socket), queue_(std::make_unique<Queue>()) {}

void Reporter::send(const Event& event) const noexcept {
  // Waits for nobody but the launcher, which is trusted and always reads.
  static_cast<void>(::send(socket_, &event, sizeof event, MSG_NOSIGNAL));
}

void Reporter::post(const Event& event) const noexcept {
  std::uint64_t ticket = queue_->tail.load(std::memory_order_relaxed);
  do {
    if (ticket - queue_->head.load(std::memory_order_acquire) >= kCapacity) {
      queue_->lost.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  } while (!queue_->tail.compare_exchange_weak(ticket, ticket + 1, std::memory_order_relaxed));
  Slot& slot = queue_->slots[ticket % kCapacity];
  slot.event = event;
  slot.filled.store(ticket + 1, std::memory_order_release);
  queue_->bell.ring();
}

bool Reporter::forward_one() const noexcept {
  const std::uint64_t ticket = queue_->head.load(std::memory_order_relaxed);
  const Slot& slot = queue_->slots[ticket % kCapacity];
  if (slot.filled.load(std::memory_order_acquire) != ticket + 1) return false;
  const Event event = slot.event;
  queue_->head.store(ticket + 1, std::memory_order_release);
  send(event);
  return true;
}

void Reporter::forward() const noexcept {
  for (std::uint32_t seen = 0;;) {
    while (forward_one()) continue;
    if (const std::uint32_t lost = queue_->lost.exchange(0, std::memory_order_relaxed); lost != 0) {
      Event event = make_event(EventKind::events_lost, 0);
      event.flow = lost;
      send(event);
    }
    seen = queue_->bell.wait(seen, std::nullopt);
  }
}

}  // namespace sluice::guard
