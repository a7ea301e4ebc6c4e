// Owning memory mapping and sealed anonymous files.
#pragma once

#include <cstddef>
#include <span>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"

namespace sluice {

enum class MemoryError {
  create,  ///< memfd_create or sizing failed: descriptors or memory exhausted
  seal,    ///< the kernel refused a seal
  map,     ///< mmap failed
  reopen,  ///< no read-only descriptor could be had: /proc missing
};

/// Unmaps its range when it goes.
class Mapping {
 public:
  Mapping() noexcept = default;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  /// Maps `bytes` of `fd` from its start, shared, readable, and writable if `writable`.
  static Result<Mapping, MemoryError> of(const Fd& fd, std::size_t bytes, bool writable);

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  Mapping(std::byte* data, std::size_t size) noexcept : data_(data), size_(size) {}
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A memfd of `bytes` zero bytes whose size can never change again. `name` shows up in /proc only.
Result<Fd, MemoryError> fixed_memory(const char* name, std::size_t bytes);

/// Forbids every writable mapping and write to `fd` from now on; mappings that exist stay as they are.
/// Also forbids further seals.
Status<MemoryError> forbid_new_writers(const Fd& fd);

/// A second descriptor of the same memory that is open for reading only.
Result<Fd, MemoryError> read_only(const Fd& fd);

}  // namespace sluice
