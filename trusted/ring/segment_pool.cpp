#include "trusted/ring/segment_pool.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace sluice::ring {

SegmentPool::SegmentPool(Mapping memory, Fd receiver_fd, std::uint32_t segments, std::uint32_t receivers)
    : memory_(std::move(memory)),
      receiver_fd_(std::move(receiver_fd)),
      segments_(segments),
      next_(std::make_unique<std::uint32_t[]>(segments)),
      returned_(std::make_unique<std::uint32_t[]>(segments)),
      untouched_(receivers) {}

Result<std::unique_ptr<SegmentPool>, MemoryError> SegmentPool::create(std::uint32_t segments, std::uint32_t receivers) {
  const std::size_t bytes = std::size_t{segments} * wire::kSegmentBytes;
  auto fd = fixed_memory("sluice-mailbox", bytes);
  if (!fd) return fd.error();
  auto memory = Mapping::of(fd.value(), bytes, true);
  if (!memory) return memory.error();
  // Sealed only after the guard's own writable mapping exists; from here on nobody gets another.
  if (auto sealed = forbid_new_writers(fd.value()); !sealed) return sealed.error();
  auto reader = read_only(fd.value());
  if (!reader) return reader.error();
  return std::unique_ptr<SegmentPool>(
      new SegmentPool(std::move(memory).value(), std::move(reader).value(), segments, receivers));
}

bool SegmentPool::populate(std::uint32_t first_segment, std::uint32_t count) const noexcept {
  std::byte* start = segment(first_segment);
  const std::size_t bytes = std::size_t{count} * wire::kSegmentBytes;
  // A kernel before 5.14 has no populate advice: its pages come on first use, which no receiver influences either.
  return ::madvise(start, bytes, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;
}

std::optional<std::uint32_t> SegmentPool::take() noexcept {
  const std::uint64_t taken = returns_taken_.load(std::memory_order_relaxed);
  std::uint32_t index = 0;
  if (taken != returns_.load(std::memory_order_acquire)) {
    index = returned_[taken % segments_];
    returns_taken_.store(taken + 1, std::memory_order_release);
  } else if (untouched_ < segments_) {
    index = untouched_++;
  } else {
    return std::nullopt;
  }
  handed_out_.store(handed_out_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return index;
}

void SegmentPool::give_back(std::uint32_t segment) noexcept {
  // Never overruns the queue: it has a slot for every segment, and a segment is given back once for each use.
  const std::uint64_t count = returns_.load(std::memory_order_relaxed);
  returned_[count % segments_] = segment;
  returns_.store(count + 1, std::memory_order_release);
}

std::uint64_t SegmentPool::in_use() const noexcept {
  const std::uint64_t back = returns_.load(std::memory_order_relaxed);
  const std::uint64_t out = handed_out_.load(std::memory_order_relaxed);
  // Each receiver's first segment is given back without having been handed out.
  return out > back ? out - back : 0;
}

}  // namespace sluice::ring
