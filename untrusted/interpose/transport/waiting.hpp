// How this library waits: yield, then sleep until the guard brings mail.
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice::interpose {

/// Looks between two times of giving way, while giving way gives nobody the processor. When somebody takes it, the next
/// look comes after giving way again: ranks often outnumber processors, and then nothing else helps.
inline constexpr std::uint32_t kPassesPerYield = 16;
/// Pauses of the processor after each of those looks: who looks without a rest takes the cache line that he waits for
/// away from its writer.
inline constexpr std::uint32_t kPausesPerPass = 3;
/// How long to yield before sleeping.
inline constexpr std::chrono::microseconds kYieldTime{400};
/// Sleep while other ranks of the subject may need the host MPI to make progress: first and longest.
inline constexpr std::chrono::microseconds kFirstNap{50};
inline constexpr std::chrono::microseconds kLongestNap{1000};
/// Sleep otherwise. Bounded, so that a lost wake-up costs time and nothing else.
inline constexpr std::chrono::microseconds kRest{1'000'000};
/// Frames taken from each mailbox in one pass.
inline constexpr std::uint32_t kFramesPerPass = 64;

/// Gives the processor to whoever wants it, at the time `now`. Whether anybody has taken it, as far as the time tells.
bool give_way(std::chrono::steady_clock::time_point now) noexcept;

/// One wait. Ends the process with a message if the guard is gone.
class Waiter {
 public:
  /// Something has moved: wait attentively again.
  void reset() noexcept { started_ = false; }

  /// Nothing has moved. Lets the host MPI make progress and gives way to others, longer each time. Not to be called
  /// with the layer locked.
  void pause();

  /// The same for a sender that waits for room in its ring, with the layer locked.
  void pause_sender();

 private:
  bool spin_or_yield();

  std::uint32_t passes_ = 0;
  bool started_ = false;
  std::chrono::steady_clock::time_point since_;
  std::chrono::microseconds nap_{kFirstNap};
};

/// Lets the host MPI make progress, and starts in it what was put off. Not to be called with the layer locked.
void drive_host();

}  // namespace sluice::interpose
