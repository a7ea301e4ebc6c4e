// MPICH waits by asking its transport, UCX, for progress over and over; whatever call waits, a collective or MPI_Init
// too. It calls the function below, which stands before UCX's own as this library stands before the host's.
#include "untrusted/interpose/transport/giving_way.hpp"

#ifdef MPICH_VERSION

#include <dlfcn.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdlib>

#include "untrusted/interpose/transport/waiting.hpp"
#include "untrusted/interpose/wrapper.hpp"

namespace sluice::interpose {

namespace {

using Progress = unsigned (*)(void* worker);

/// Looks in vain before giving way: while nobody else wants the processor, and after somebody has taken it.
constexpr std::uint32_t kCalmPatience = 64;
constexpr std::uint32_t kCrowdedPatience = 4;

unsigned first_progress(void* worker);

Progress of_host = nullptr;
/// What a call does; chosen at the first one.
std::atomic<Progress> chosen{first_progress};

/// Looks in vain until the next time of giving way. Threads share it: it is about the processor, not about one wait.
std::atomic<std::uint32_t> left{kCalmPatience};

void give_way() {
  const auto before = std::chrono::steady_clock::now();
  ::sched_yield();
  const bool crowded = std::chrono::steady_clock::now() - before >= kSwitchTime;
  left.store(crowded ? kCrowdedPatience : kCalmPatience, std::memory_order_relaxed);
}

unsigned patient_progress(void* worker) {
  const unsigned events = of_host(worker);
  if (events != 0) return events;
  const std::uint32_t now_left = left.load(std::memory_order_relaxed);
  if (now_left > 1) {
    left.store(now_left - 1, std::memory_order_relaxed);
  } else {
    give_way();
  }
  return events;
}

bool outnumber_processors(std::uint32_t ranks) {
  cpu_set_t set;
  CPU_ZERO(&set);
  // With more processors than fit the set nobody is short of them.
  return ::sched_getaffinity(0, sizeof set, &set) == 0 && ranks > static_cast<std::uint32_t>(CPU_COUNT(&set));
}

/// How many processes MPICH's launcher has started; 0 where it does not say.
std::uint32_t started_ranks() {
  const char* text = std::getenv("PMI_SIZE");
  return text == nullptr ? 0 : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

void choose(std::uint32_t ranks) { chosen.store(outnumber_processors(ranks) ? patient_progress : of_host); }

unsigned first_progress(void* worker) {
  of_host = reinterpret_cast<Progress>(find_in_host("ucp_worker_progress"));
  choose(started_ranks());
  return chosen.load()(worker);
}

}  // namespace

void give_way_among(std::uint32_t ranks) {
  // An MPICH with another transport never asks this one.
  if (of_host != nullptr) choose(ranks);
}

}  // namespace sluice::interpose

SLUICE_EXPORT unsigned ucp_worker_progress(void* worker) {
  return sluice::interpose::chosen.load(std::memory_order_relaxed)(worker);
}

#endif
