// One polite turn of a spinning loop.
#pragma once

namespace sluice {

/// Tells the processor that this thread spins.
inline void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace sluice
