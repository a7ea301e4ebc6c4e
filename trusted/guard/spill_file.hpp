// The part of a flow's spill file that holds the overflow of one receiving rank: first in, first out.
//
// The file has no name (the launcher makes it so), so nothing of it outlives the guard. Used by egress alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::guard {

class SpillFile {
 public:
  /// `bytes` from `offset` of the file open at `descriptor`, which stays open.
  SpillFile(int descriptor, std::uint64_t offset, std::uint64_t bytes) noexcept
      : descriptor_(descriptor), offset_(offset), bytes_(bytes) {}

  /// Bytes that wait.
  [[nodiscard]] std::uint64_t size() const noexcept { return written_ - read_; }

  /// Adds all of `data`. False if there is no room or the system cannot write; then the file is of no more use.
  [[nodiscard]] bool append(std::span<const std::byte> data) noexcept;

  /// Takes out the oldest bytes, as many as `data` has. Precondition: data.size() <= size(). False if the system
  /// cannot read.
  [[nodiscard]] bool take(std::span<std::byte> data) noexcept;

 private:
  /// How much of `wanted` bytes lies in one piece from `position` on.
  [[nodiscard]] std::size_t piece(std::uint64_t position, std::size_t wanted) const noexcept;
  [[nodiscard]] std::int64_t place(std::uint64_t position) const noexcept {
    return static_cast<std::int64_t>(offset_ + position % bytes_);
  }

  int descriptor_;
  std::uint64_t offset_;
  std::uint64_t bytes_;
  std::uint64_t written_ = 0;  // positions count on; the place is position % bytes_
  std::uint64_t read_ = 0;
};

}  // namespace sluice::guard
