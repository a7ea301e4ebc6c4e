#include "untrusted/interpose/collective/block.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace sluice::interpose {

namespace {

/// Bytes that are packed at a time: the host MPI's counts are ints.
constexpr std::uint64_t kPackBytes = std::uint64_t{1} << 30;

}  // namespace

int Block::pack(std::byte* to) const {
  if (bytes() == 0) return MPI_SUCCESS;
  const std::int64_t step = elements_in(kPackBytes, layout);
  for (std::int64_t done = 0; !direct() && done < count; done += step) {
    const int error = interpose::pack(address, done, std::min(step, count - done), datatype, layout,
                                      to + static_cast<std::uint64_t>(done) * layout.size);
    if (error != MPI_SUCCESS) return error;
  }
  if (direct()) std::memcpy(to, address, bytes());
  return MPI_SUCCESS;
}

int Block::unpack(const std::byte* from) const {
  if (bytes() == 0) return MPI_SUCCESS;
  if (!direct()) return interpose::unpack(from, bytes(), address, datatype, layout);
  std::memcpy(address, from, bytes());
  return MPI_SUCCESS;
}

Block part_of(const Block& block, std::int64_t first, std::int64_t count) {
  Block part = block;
  part.address = const_cast<void*>(element(block.address, first, block.layout));
  part.count = count;
  return part;
}

Block like(Schedule& schedule, const Block& like) {
  Block made = like;
  if (like.direct()) {
    made.address = schedule.scratch(like.bytes());
    return made;
  }
  MPI_Aint lower = 0;
  MPI_Aint extent = 0;
  PMPI_Type_get_true_extent(like.datatype, &lower, &extent);
  const std::int64_t step = like.layout.extent < 0 ? -like.layout.extent : like.layout.extent;
  const auto room = static_cast<std::uint64_t>(extent + step * std::max<std::int64_t>(like.count - 1, 0));
  std::byte* memory = schedule.scratch(room);
  const std::int64_t below = like.layout.extent < 0 ? step * std::max<std::int64_t>(like.count - 1, 0) : 0;
  made.address = memory == nullptr ? nullptr : memory - lower + below;
  return made;
}

const std::byte* packed(Schedule& schedule, const Block& block) {
  if (block.direct()) return block.data();
  std::byte* bytes = schedule.scratch(block.bytes());
  if (bytes != nullptr) schedule.fail(block.pack(bytes));
  return bytes;
}

void receive_block(Schedule& schedule, int rank, const Block& block) {
  if (block.direct()) return schedule.receive(rank, block.data(), block.bytes());
  std::byte* bytes = schedule.scratch(block.bytes());
  schedule.receive(rank, bytes, block.bytes());
  schedule.then([block, bytes] { return block.unpack(bytes); });
}

void copy_block(Schedule& schedule, const Block& from, const Block& to) {
  if (from.bytes() != to.bytes()) return schedule.fail(from.bytes() > to.bytes() ? MPI_ERR_TRUNCATE : MPI_ERR_COUNT);
  if (from.direct()) return schedule.fail(to.unpack(from.data()));
  if (to.direct()) return schedule.fail(from.pack(to.data()));
  const std::byte* bytes = packed(schedule, from);
  if (bytes != nullptr) schedule.fail(to.unpack(bytes));
}

std::uint64_t total(const Blocks& blocks) {
  return std::accumulate(blocks.begin(), blocks.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Block& block) { return sum + block.bytes(); });
}

Block bytes_block(std::byte* data, std::uint64_t bytes) {
  Block block;
  block.address = data;
  block.count = static_cast<std::int64_t>(bytes);
  block.datatype = MPI_BYTE;
  block.layout = layout_of(MPI_BYTE);
  return block;
}

bool adjacent(const Blocks& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].direct()) return false;
    if (i != 0 && parts[i].data() != parts[i - 1].data() + parts[i - 1].bytes()) return false;
  }
  return true;
}

std::byte* lay_together(Schedule& schedule, const Blocks& blocks) {
  std::byte* together = schedule.scratch(total(blocks));
  std::uint64_t offset = 0;
  for (const Block& block : blocks) {
    if (together != nullptr) schedule.fail(block.pack(together + offset));
    offset += block.bytes();
  }
  return together;
}

int take_apart(const Blocks& blocks, const std::byte* together) {
  for (const Block& block : blocks) {
    if (const int error = block.unpack(together); error != MPI_SUCCESS) return error;
    together += block.bytes();
  }
  return MPI_SUCCESS;
}

}  // namespace sluice::interpose
