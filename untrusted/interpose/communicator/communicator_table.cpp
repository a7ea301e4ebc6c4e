#include "untrusted/interpose/communicator/communicator_table.hpp"

namespace sluice::interpose {

bool CommunicatorTable::put(const View& view, std::uint64_t key, VirtualComm* communicator) noexcept {
  std::size_t slot = home_of(key) & view.mask;
  while (view.slots[slot].key.load(std::memory_order_relaxed) > kRemoved) slot = (slot + 1) & view.mask;
  const bool was_free = view.slots[slot].key.load(std::memory_order_relaxed) == kFree;
  view.slots[slot].communicator.store(communicator, std::memory_order_relaxed);
  view.slots[slot].key.store(key, std::memory_order_release);
  return was_free;
}

void CommunicatorTable::add(std::uint64_t key, VirtualComm& communicator) {
  // Half of the slots stay free, so that looking for what is not there ends soon.
  if ((used_ + 1) * 2 > view_.load(std::memory_order_relaxed)->mask + 1) grow();
  used_ += put(*view_.load(std::memory_order_relaxed), key, &communicator) ? 1U : 0U;
}

void CommunicatorTable::remove(std::uint64_t key) noexcept {
  const View& view = *view_.load(std::memory_order_relaxed);
  for (std::size_t slot = home_of(key) & view.mask;; slot = (slot + 1) & view.mask) {
    const std::uint64_t found = view.slots[slot].key.load(std::memory_order_relaxed);
    if (found == kFree) return;
    if (found != key) continue;
    view.slots[slot].key.store(kRemoved, std::memory_order_release);
    return free_removed(view, slot);
  }
}

void CommunicatorTable::free_removed(const View& view, std::size_t slot) noexcept {
  // Before a free slot, a removed one leads nowhere.
  if (view.slots[(slot + 1) & view.mask].key.load(std::memory_order_relaxed) != kFree) return;
  while (view.slots[slot].key.load(std::memory_order_relaxed) == kRemoved) {
    view.slots[slot].key.store(kFree, std::memory_order_release);
    --used_;
    slot = (slot - 1) & view.mask;
  }
}

void CommunicatorTable::clear() noexcept {
  const View& view = *view_.load(std::memory_order_relaxed);
  for (std::size_t slot = 0; slot <= view.mask; ++slot) view.slots[slot].key.store(kFree, std::memory_order_release);
  used_ = 0;
}

void CommunicatorTable::grow() {
  const View old = *view_.load(std::memory_order_relaxed);
  const std::size_t size = (old.mask + 1) * 2;
  std::size_t live = 0;
  auto* grown = new Grown{std::vector<Slot>(size), {}, view_.load(std::memory_order_relaxed)};
  grown->view = {grown->slots.data(), size - 1};
  for (std::size_t slot = 0; slot <= old.mask; ++slot) {
    const std::uint64_t key = old.slots[slot].key.load(std::memory_order_relaxed);
    if (key > kRemoved)
      live += put(grown->view, key, old.slots[slot].communicator.load(std::memory_order_relaxed)) ? 1U : 0U;
  }
  used_ = live;
  view_.store(&grown->view, std::memory_order_release);
}

}  // namespace sluice::interpose
