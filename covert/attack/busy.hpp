// Work on every processor at once.
#pragma once

#include <sched.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "covert/attack/attack.hpp"

namespace sluice::covert {

/// Calls `work` over and over until `until`, in a thread on each processor, as far as threads may choose.
template <typename Work>
void on_all_processors(Time until, Work work) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(std::thread::hardware_concurrency(), 1U); ++i) {
    threads.emplace_back([=] {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(i, &set);
      ::sched_setaffinity(0, sizeof set, &set);
      while (Clock::now() < until) work();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace sluice::covert
