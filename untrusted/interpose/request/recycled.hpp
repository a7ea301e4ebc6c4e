// Memory for objects that come and go with every message.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>

#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

/// Base of a class T whose objects leave their memory to the next ones. A program's window of receives is more than the
/// C library keeps at hand. Not where several threads may be about: nothing here takes a lock.
template <typename T>
class Recycled {
 public:
  static void* operator new(std::size_t bytes, const std::nothrow_t& none) noexcept {
    if (spare == nullptr || !is_on()) return ::operator new(bytes, none);
    Spare* memory = spare;
    spare = memory->next;
    --count;
    return memory;
  }
  static void* operator new(std::size_t bytes) = delete;

  static void operator delete(void* memory) noexcept {
    if (memory == nullptr) return;
    if (count == kMost || !is_on()) return ::operator delete(memory);
    spare = new (memory) Spare{spare};
    ++count;
  }
  static void operator delete(void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }

 protected:
  Recycled() noexcept = default;
  ~Recycled() { static_assert(std::is_final_v<T>, "all objects have one size"); }

 private:
  struct Spare {
    Spare* next;
  };
  static bool is_on() noexcept {
#ifdef __SANITIZE_ADDRESS__
    return false;  // use after the end would not show
#else
    return !layer.threads;
#endif
  }
  static constexpr std::size_t kMost = 1024;
  static inline Spare* spare = nullptr;
  static inline std::size_t count = 0;
};

}  // namespace sluice::interpose
