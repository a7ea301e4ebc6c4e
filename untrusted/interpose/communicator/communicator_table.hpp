// From a communicator's handle to what this library knows of it. Asked in every call, so a miss costs one load.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::interpose {

struct VirtualComm;

/// Open addressing with linear probing; the key is the handle's bits, which are never 0 or 1. Any thread may look
/// while one, with the layer locked, changes. A table that became too small is kept: somebody may still look at it.
class CommunicatorTable {
 public:
  constexpr CommunicatorTable() noexcept = default;

  /// Null if `key` is not in the table.
  [[nodiscard]] VirtualComm* find(std::uint64_t key) const noexcept {
    const View view = *view_.load(std::memory_order_acquire);
    for (std::size_t slot = home_of(key) & view.mask;; slot = (slot + 1) & view.mask) {
      const std::uint64_t found = view.slots[slot].key.load(std::memory_order_acquire);
      if (found == kFree) return nullptr;
      if (found == key) return view.slots[slot].communicator.load(std::memory_order_relaxed);
    }
  }

  /// Where looking for one key begins.
  class Home;
  [[nodiscard]] Home home(std::uint64_t key) const noexcept;

  /// Whether find() has to be asked. False for most keys that are not in the table, at the cost of one look.
  [[nodiscard]] bool may_have(std::uint64_t key) const noexcept;

  /// Adds `key`, which must not be there.
  void add(std::uint64_t key, VirtualComm& communicator);
  /// Takes `key` out. Nothing happens if it is not there.
  void remove(std::uint64_t key) noexcept;
  /// Takes all out.
  void clear() noexcept;

 private:
  static constexpr std::uint64_t kFree = 0;
  static constexpr std::uint64_t kRemoved = 1;
  static constexpr std::size_t kFirstSlots = 64;

  struct Slot {
    std::atomic<std::uint64_t> key{kFree};
    std::atomic<VirtualComm*> communicator{nullptr};
  };
  struct View {
    Slot* slots;
    std::size_t mask;
  };

  /// Spreads handles that differ in few bits: low and high ones (MPICH), or some in the middle (Open MPI). Two that
  /// share a place make calls on the one that is not in the table slower.
  static std::size_t home_of(std::uint64_t key) noexcept {
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15U) >> 32);
  }
  /// Whether the slot that it took was free.
  static bool put(const View& view, std::uint64_t key, VirtualComm* communicator) noexcept;
  void free_removed(const View& view, std::size_t slot) noexcept;
  void grow();

  std::array<Slot, kFirstSlots> first_{};
  View first_view_{first_.data(), kFirstSlots - 1};
  std::atomic<const View*> view_{&first_view_};
  std::size_t used_ = 0;  // slots that are not free

  /// Never destroyed: somebody may still look, and other libraries may call MPI while the process ends.
  struct Grown {
    std::vector<Slot> slots;
    View view;
    const View* before;
  };
};

/// Inlined, as it is asked in every call, most of which then store nothing (untrusted/interpose/direct.hpp).
class CommunicatorTable::Home {
 public:
  explicit Home(const Slot& slot) noexcept : slot_(slot) {}
  /// Whether find() has to be asked.
  [[nodiscard, gnu::always_inline]] bool taken() const noexcept {
    return slot_.key.load(std::memory_order_acquire) != kFree;
  }
  /// Whether `key` is at its home, as most are. `Key` may be as short as handles are.
  template <typename Key>
  [[nodiscard, gnu::always_inline]] bool holds(Key key) const noexcept {
    Key difference = static_cast<Key>(slot_.key.load(std::memory_order_acquire)) ^ key;
    // Or the compiler, which knows them to be the same afterwards, keeps this one for the caller in place of its own.
    asm("" : "+r"(difference));
    return difference == 0;
  }
  /// What find() finds then.
  [[nodiscard, gnu::always_inline]] const VirtualComm& communicator() const noexcept {
    return *slot_.communicator.load(std::memory_order_relaxed);
  }

 private:
  const Slot& slot_;
};

[[gnu::always_inline]] inline CommunicatorTable::Home CommunicatorTable::home(std::uint64_t key) const noexcept {
  const View& view = *view_.load(std::memory_order_acquire);
  return Home(view.slots[home_of(key) & view.mask]);
}

inline bool CommunicatorTable::may_have(std::uint64_t key) const noexcept { return home(key).taken(); }

}  // namespace sluice::interpose
