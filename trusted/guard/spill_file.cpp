#include "trusted/guard/spill_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sluice::guard {

std::size_t SpillFile::piece(std::uint64_t position, std::size_t wanted) const noexcept {
  return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, bytes_ - position % bytes_));
}

bool SpillFile::append(std::span<const std::byte> data) noexcept {
  if (data.size() > bytes_ - size()) return false;
  while (!data.empty()) {
    const ssize_t done = ::pwrite(descriptor_, data.data(), piece(written_, data.size()), place(written_));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    written_ += static_cast<std::uint64_t>(done);
    data = data.subspan(static_cast<std::size_t>(done));
  }
  return true;
}

bool SpillFile::take(std::span<std::byte> data) noexcept {
  while (!data.empty()) {
    const ssize_t done = ::pread(descriptor_, data.data(), piece(read_, data.size()), place(read_));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    read_ += static_cast<std::uint64_t>(done);
    data = data.subspan(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace sluice::guard
