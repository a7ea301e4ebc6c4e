#include "trusted/base/mapping.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdio>
#include <utility>

namespace sluice {

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<Mapping, MemoryError> Mapping::of(const Fd& fd, std::size_t bytes, bool writable) {
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* address = ::mmap(nullptr, bytes, protection, MAP_SHARED, fd.get(), 0);
  if (address == MAP_FAILED) return MemoryError::map;
  return Mapping(static_cast<std::byte*>(address), bytes);
}

Result<Fd, MemoryError> fixed_memory(const char* name, std::size_t bytes) {
  Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return MemoryError::create;
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return MemoryError::create;
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) return MemoryError::seal;
  return fd;
}

Status<MemoryError> forbid_new_writers(const Fd& fd) {
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) return MemoryError::seal;
  return Unit{};
}

Result<Fd, MemoryError> read_only(const Fd& fd) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd.get());
  Fd reader(::open(path, O_RDONLY | O_CLOEXEC));
  if (!reader) return MemoryError::reopen;
  return reader;
}

}  // namespace sluice
