// How the threads of a flow wake each other inside the guard: a counter on a private futex.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::guard {

/// Rung by one thread, awaited by one other. Ringing costs the same whether or not anybody waits, but for what the
/// kernel takes to make a sleeper runnable.
class FlowBell {
 public:
  void ring() noexcept;

  /// Waits until ring() has been called since `seen`, or `timeout` has passed (nullopt: for ever). Returns the count
  /// to pass as `seen` next time.
  std::uint32_t wait(std::uint32_t seen, std::optional<std::chrono::microseconds> timeout) noexcept;

 private:
  std::atomic<std::uint32_t> count_{0};
};

}  // namespace sluice::guard
