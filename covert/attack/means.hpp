// The classes' tables, one function for each file.
#pragma once

#include <vector>

#include "covert/attack/attack.hpp"

namespace sluice::covert {

std::vector<Means> ring_means();            ///< class 1
std::vector<Means> futex_means();           ///< class 2
std::vector<Means> cache_line_means();      ///< class 3
std::vector<Means> descriptor_means();      ///< class 4
std::vector<Means> lock_means();            ///< class 5
std::vector<Means> inode_means();           ///< class 6
std::vector<Means> output_means();          ///< class 7
std::vector<Means> guard_load_means();      ///< classes 8 and 9
std::vector<Means> host_view_means();       ///< class 10
std::vector<Means> exhaustion_means();      ///< class 11
std::vector<Means> memory_means();          ///< class 12
std::vector<Means> ipc_means();             ///< class 13
std::vector<Means> tracing_means();         ///< class 14
std::vector<Means> contention_means();      ///< class 15
std::vector<Means> device_means();          ///< class 16
std::vector<Means> slow_means();            ///< class 18
std::vector<Means> administration_means();  ///< classes 19 and 20

}  // namespace sluice::covert
