#include "untrusted/interpose/collective/scratch.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace sluice::interpose {

namespace {

/// The C library hands smaller pieces out again without giving their pages back in between.
constexpr std::uint64_t kLeast = std::uint64_t{64} * 1024;
/// Bytes that a process keeps.
constexpr std::uint64_t kMost = std::uint64_t{64} * 1024 * 1024;
/// A piece is used for needs down to this part of it.
constexpr std::uint64_t kWaste = 4;

}  // namespace

ScratchMemory ScratchPool::take(std::uint64_t bytes) {
  const auto fits = [bytes](const ScratchMemory& kept) { return kept.bytes >= bytes && kept.bytes / kWaste <= bytes; };
  const auto found = bytes < kLeast ? kept_.end() : std::find_if(kept_.begin(), kept_.end(), fits);
  if (found != kept_.end()) {
    ScratchMemory taken = std::move(*found);
    kept_.erase(found);
    bytes_ -= taken.bytes;
    return taken;
  }
  // Not cleared: for large messages that would cost as much as moving them.
  return {std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[bytes + 1]), bytes};
}

void ScratchPool::give_back(ScratchMemory&& scratch) {
  if (scratch.memory == nullptr || scratch.bytes < kLeast || scratch.bytes > kMost) return;
  bytes_ += scratch.bytes;
  kept_.push_back(std::move(scratch));
  for (; bytes_ > kMost; kept_.pop_front()) bytes_ -= kept_.front().bytes;
}

}  // namespace sluice::interpose
