// Elements in the program's memory, and the bytes that they are on the way to another rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "untrusted/interpose/collective/schedule.hpp"
#include "untrusted/interpose/point_to_point/datatype.hpp"

namespace sluice::interpose {

/// `count` elements of a datatype in the program's memory. On the way they are their bytes, packed without gaps: the
/// same in every host MPI.
struct Block {
  void* address = nullptr;
  std::int64_t count = 0;
  MPI_Datatype datatype = MPI_DATATYPE_NULL;
  Layout layout{};

  [[nodiscard]] std::uint64_t bytes() const noexcept { return static_cast<std::uint64_t>(count) * layout.size; }
  /// Whether the elements lie in memory as they travel.
  [[nodiscard]] bool direct() const noexcept { return layout.contiguous; }
  /// Their bytes, where direct().
  [[nodiscard]] std::byte* data() const noexcept { return static_cast<std::byte*>(address); }

  /// Copies the elements to `bytes()` bytes. Returns an MPI error.
  int pack(std::byte* to) const;
  /// The other way round.
  [[nodiscard]] int unpack(const std::byte* from) const;
};

/// One block for each rank of a communicator, or none at ranks where the call gives none.
using Blocks = std::vector<Block>;

/// A block of plain bytes.
Block bytes_block(std::byte* data, std::uint64_t bytes);

/// Bytes of all blocks.
std::uint64_t total(const Blocks& blocks);

/// Whether the blocks lie in memory one after the other, as they travel.
bool adjacent(const Blocks& blocks);

/// Lays blocks together, to be sent.
std::byte* lay_together(Schedule& schedule, const Blocks& blocks);

/// Takes blocks from where they lie together. Returns an MPI error.
int take_apart(const Blocks& blocks, const std::byte* together);

/// The part of a block that begins at element `first`.
Block part_of(const Block& block, std::int64_t first, std::int64_t count);

/// Memory for elements like those of `like`, laid out as their datatype says.
Block like(Schedule& schedule, const Block& like);

/// The bytes of a block now: in place, or packed into memory of the schedule.
const std::byte* packed(Schedule& schedule, const Block& block);

/// Receives a block from `rank`, which need not be direct.
void receive_block(Schedule& schedule, int rank, const Block& block);

/// Copies now. Both have the same bytes.
void copy_block(Schedule& schedule, const Block& from, const Block& to);

}  // namespace sluice::interpose
