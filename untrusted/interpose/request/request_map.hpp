// From a request handle to what this library knows of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::interpose {

struct OwnRequest;
struct VirtualComm;

/// Why a request needs attention when it is started, waited for, tested, cancelled or freed.
struct TrackedRequest {
  enum class Kind : std::uint8_t {
    none,
    own,        ///< this library completes it: the host MPI must not wait for it
    translate,  ///< a host receive whose status names a rank of the subject's part of `comm`
  };
  Kind kind = Kind::none;
  /// Of this entry. The host MPI may give the same handle to the next request before this one is forgotten.
  std::uint32_t serial = 0;
  OwnRequest* own = nullptr;
  const VirtualComm* comm = nullptr;
};

/// Open addressing with linear probing; the key is the handle's bits. Grows, never shrinks.
class RequestMap {
 public:
  RequestMap() : slots_(kFirstSlots) {}

  [[nodiscard]] std::size_t size() const noexcept { return used_; }

  /// What is known of `key`; kind none if nothing.
  [[nodiscard]] TrackedRequest find(std::uint64_t key) const noexcept {
    const Slot& slot = slots_[locate(key)];
    return slot.tracked;
  }

  /// Adds or replaces.
  void set(std::uint64_t key, TrackedRequest::Kind kind, std::uint32_t serial, OwnRequest* own,
           const VirtualComm* comm) {
    if ((used_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[locate(key)];
    if (slot.tracked.kind == TrackedRequest::Kind::none) ++used_;
    slot.key = key;
    slot.tracked.kind = kind;
    slot.tracked.serial = serial;
    slot.tracked.own = own;
    slot.tracked.comm = comm;
  }

  /// Forgets `key`; nothing happens if it is not known.
  void erase(std::uint64_t key) noexcept {
    std::size_t hole = locate(key);
    if (slots_[hole].tracked.kind == TrackedRequest::Kind::none) return;
    --used_;
    // Moves what follows into the hole, so that every probe still ends at a free slot.
    for (std::size_t next = after(hole); slots_[next].tracked.kind != TrackedRequest::Kind::none; next = after(next)) {
      const std::size_t home = home_of(slots_[next].key);
      if (((next - home) & mask()) < ((next - hole) & mask())) continue;
      slots_[hole] = slots_[next];
      hole = next;
    }
    slots_[hole] = {};
  }

 private:
  static constexpr std::size_t kFirstSlots = 256;
  struct Slot {
    std::uint64_t key = 0;
    TrackedRequest tracked;
  };

  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
  [[nodiscard]] std::size_t after(std::size_t slot) const noexcept { return (slot + 1) & mask(); }
  [[nodiscard]] std::size_t home_of(std::uint64_t key) const noexcept {
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15U) >> 32) & mask();
  }
  /// Slot of `key`, or the free slot where it would go.
  [[nodiscard]] std::size_t locate(std::uint64_t key) const noexcept {
    std::size_t slot = home_of(key);
    while (slots_[slot].tracked.kind != TrackedRequest::Kind::none && slots_[slot].key != key) slot = after(slot);
    return slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.tracked.kind != TrackedRequest::Kind::none) slots_[locate(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace sluice::interpose
