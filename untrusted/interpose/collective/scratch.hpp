// Memory for the steps of collective operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

namespace sluice::interpose {

/// Bytes that a step needs besides the program's buffers.
struct ScratchMemory {
  std::unique_ptr<std::byte[]> memory;
  std::uint64_t bytes = 0;
};

/// Keeps large pieces of memory from one operation to the next: fresh pages cost as much as moving what is in them.
/// Guarded by the layer's lock.
class ScratchPool {
 public:
  /// At least `bytes` bytes, as an earlier operation left them. Without memory if there is none.
  ScratchMemory take(std::uint64_t bytes);
  void give_back(ScratchMemory&& scratch);

 private:
  std::deque<ScratchMemory> kept_;  ///< the oldest first
  std::uint64_t bytes_ = 0;         ///< of all that is kept
};

}  // namespace sluice::interpose
