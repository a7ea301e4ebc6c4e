// Giving way while MPICH waits for processes of the own subject and has more of them than processors.
//
// MPICH waits by asking its transport, UCX, for progress over and over; whatever call waits, a collective or MPI_Init
// too. It calls the function below, which stands before UCX's own as this library stands before the host's. Open MPI
// gives way by itself. See docs/decisions/019-giving-way.md.
#include "untrusted/interpose/host_mpi.hpp"

#ifdef MPICH_VERSION

#include <dlfcn.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>

#include "untrusted/interpose/transport/waiting.hpp"
#include "untrusted/interpose/wrapper.hpp"

namespace sluice::interpose {

namespace {

using Progress = unsigned (*)(void* worker);

/// Looks in vain between two times of giving way: after somebody has taken the processor, and at most. Each time that
/// nobody takes it they are twice as many, so that where all have a processor giving way costs less than 1 %.
constexpr std::uint32_t kLeastPatience = 4;
constexpr std::uint32_t kMostPatience = 4096;

unsigned first_progress(void* worker);

Progress of_host = nullptr;
/// What a call does; chosen at the first one.
std::atomic<Progress> chosen{first_progress};

/// Threads share these: they are about the processor, not about one wait.
std::atomic<std::uint32_t> patience{kLeastPatience};
std::atomic<std::uint32_t> left{kLeastPatience};

void give_way_and_learn() {
  const bool taken = give_way(std::chrono::steady_clock::now());
  const std::uint32_t next =
      taken ? kLeastPatience : std::min(2 * patience.load(std::memory_order_relaxed), kMostPatience);
  patience.store(next, std::memory_order_relaxed);
  left.store(next, std::memory_order_relaxed);
}

unsigned patient_progress(void* worker) {
  const unsigned events = of_host(worker);
  if (events != 0) return events;
  const std::uint32_t now_left = left.load(std::memory_order_relaxed);
  if (now_left > 1) {
    left.store(now_left - 1, std::memory_order_relaxed);
  } else {
    give_way_and_learn();
  }
  return events;
}

/// Whether MPICH's launcher has started more processes than there are processors for them.
bool outnumber_processors() {
  const char* started = std::getenv("PMI_SIZE");
  cpu_set_t set;
  CPU_ZERO(&set);
  // With more processors than fit the set nobody is short of them.
  if (started == nullptr || ::sched_getaffinity(0, sizeof set, &set) != 0) return false;
  return std::strtol(started, nullptr, 10) > CPU_COUNT(&set);
}

unsigned first_progress(void* worker) {
  of_host = reinterpret_cast<Progress>(find_in_host("ucp_worker_progress"));
  chosen.store(outnumber_processors() ? patient_progress : of_host);
  return chosen.load()(worker);
}

}  // namespace

}  // namespace sluice::interpose

SLUICE_EXPORT unsigned ucp_worker_progress(void* worker) {
  return sluice::interpose::chosen.load(std::memory_order_relaxed)(worker);
}

#endif
