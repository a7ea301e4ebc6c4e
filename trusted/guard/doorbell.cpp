#include "trusted/guard/doorbell.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace sluice::guard {

void FlowBell::ring() noexcept {
  count_.fetch_add(1, std::memory_order_release);
  static_cast<void>(::syscall(SYS_futex, &count_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0));
}

std::uint32_t FlowBell::wait(std::uint32_t seen, std::optional<std::chrono::microseconds> timeout) noexcept {
  if (count_.load(std::memory_order_acquire) == seen) {
    timespec limit{};
    if (timeout) {
      limit.tv_sec = static_cast<time_t>(timeout->count() / 1'000'000);
      limit.tv_nsec = static_cast<long>(timeout->count() % 1'000'000 * 1000);
    }
    static_cast<void>(::syscall(SYS_futex, &count_, FUTEX_WAIT_PRIVATE, seen, timeout ? &limit : nullptr, nullptr, 0));
  }
  return count_.load(std::memory_order_acquire);
}

}  // namespace sluice::guard
