// The order in which ranks of one subject reduce their operands.
#pragma once

#include <cstddef>

namespace sluice::interpose {

/// A tree of halves over a group: each rank has its own operand, each pair of neighbours what they have together, and
/// so on. What is combined with what follows from the group alone; where, also from the rank that gets the value in the
/// end: a half that it is in is combined there, so that it only receives and never waits for what it has sent itself.
/// Any other half is combined at its first rank.
class Halves {
 public:
  Halves(std::ptrdiff_t count, std::ptrdiff_t holder) : count_(count), holder_(holder) {}

  struct Sibling {
    bool exists = false;
    bool left = false;        ///< its operands come before the own ones
    bool takes = false;       ///< the own half's value goes there
    std::ptrdiff_t rank = 0;  ///< which has its value
  };
  /// Of the half of `reach` ranks that `rank` is in.
  [[nodiscard]] Sibling sibling(std::ptrdiff_t rank, std::ptrdiff_t reach) const {
    const std::ptrdiff_t first = rank / reach * reach;
    const bool left = (first / reach) % 2 != 0;
    const std::ptrdiff_t other = left ? first - reach : first + reach;
    if (other >= count_) return {};
    const std::ptrdiff_t at = place(other, reach);
    return {true, left, at == holder_ || (left && place(first, reach) != holder_), at};
  }

 private:
  /// Where the value of a half is.
  [[nodiscard]] std::ptrdiff_t place(std::ptrdiff_t first, std::ptrdiff_t reach) const {
    return holder_ >= first && holder_ < first + reach ? holder_ : first;
  }

  std::ptrdiff_t count_;
  std::ptrdiff_t holder_;
};

}  // namespace sluice::interpose
