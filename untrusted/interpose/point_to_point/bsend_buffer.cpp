#include "untrusted/interpose/point_to_point/bsend_buffer.hpp"

#include <atomic>

#include "mediated.hpp"
#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/point_to_point/large_count.hpp"

namespace sluice::interpose {

namespace {

constexpr std::int64_t kNone = -1;
std::atomic<std::int64_t> attached{kNone};

int attach(int error, std::int64_t size) {
  if (error == MPI_SUCCESS) attached.store(size, std::memory_order_relaxed);
  return error;
}

int detach(int error) {
  if (error == MPI_SUCCESS) attached.store(kNone, std::memory_order_relaxed);
  return error;
}

}  // namespace

bool bsend_buffer_holds(std::uint64_t bytes) noexcept {
  const std::int64_t size = attached.load(std::memory_order_relaxed);
  return size >= MPI_BSEND_OVERHEAD && bytes <= static_cast<std::uint64_t>(size - MPI_BSEND_OVERHEAD);
}

namespace mediated {

int Buffer_attach(void* buffer, int size) { return attach(host.Buffer_attach(buffer, size), size); }

int Buffer_detach(void* buffer_addr, int* size) { return detach(host.Buffer_detach(buffer_addr, size)); }

#ifdef SLUICE_LARGE_COUNTS
int Buffer_attach_c(void* buffer, MPI_Count size) { return attach(host.Buffer_attach_c(buffer, size), size); }

int Buffer_detach_c(void* buffer_addr, MPI_Count* size) { return detach(host.Buffer_detach_c(buffer_addr, size)); }
#endif

}  // namespace mediated

}  // namespace sluice::interpose
