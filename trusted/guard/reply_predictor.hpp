// What an ingress thread that several subjects share has learnt about waiting for the next frames.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::guard {

/// Predicts, for each member, how the reply to its frames will come: while the thread looks out for it, as when the
/// answering rank has another processor; or only after the thread gives way, as when that rank waits for this one.
/// Kept apart for each shared thread: it holds what its members may tell each other anyway.
class ReplyPredictor {
 public:
  /// So many replies in a row that needed giving way make the prediction. One alone may be chance: an answer that was
  /// slow for once.
  static constexpr std::uint8_t kSure = 4;
  /// Of so many replies one is looked out for whatever was learnt: threads move between processors.
  static constexpr std::uint32_t kTryAgain = 16;

  /// Giving way takes at most this while nobody else runs. How much less, is learnt: machines differ threefold.
  static constexpr std::chrono::nanoseconds kMostTime{800};

  /// @param members number of subjects that share the thread, at least 1
  explicit ReplyPredictor(std::size_t members) : needed_giving_way_(members, 0) {}

  /// Frames of `member` came, before which there was a pause or none.
  void came_from(std::size_t member, bool after_pause) noexcept {
    if (after_pause) {
      std::uint8_t& count = needed_giving_way_[last_from_];
      count = others_ran_ ? std::min<std::uint8_t>(count + 1, kSure) : 0;
      ++replies_;
    }
    others_ran_ = false;
    last_from_ = member;
  }

  /// The thread gave way for `time`: somebody else ran, or nobody did.
  void gave_way(std::chrono::nanoseconds time) noexcept {
    least_time_ = std::min(least_time_, time);
    // Two switches take three times as long and more.
    const bool others_ran = time >= 2 * least_time_;
    others_ran_ = others_ran_ || others_ran;
    if (!others_ran) needed_giving_way_[last_from_] = 0;
  }

  /// Whether to look out for a reply before giving way.
  [[nodiscard]] bool look_out() const noexcept {
    return needed_giving_way_[last_from_] < kSure || replies_ % kTryAgain == 0;
  }

 private:
  std::vector<std::uint8_t> needed_giving_way_;
  std::size_t last_from_ = 0;
  bool others_ran_ = false;
  std::uint32_t replies_ = 0;
  std::chrono::nanoseconds least_time_ = kMostTime;
};

}  // namespace sluice::guard
