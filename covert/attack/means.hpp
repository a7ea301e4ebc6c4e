// The classes' tables, one function for each file.
#pragma once

#include <vector>

#include "covert/attack/attack.hpp"

namespace sluice::covert {

std::vector<Means> ring_means();       ///< class 1
std::vector<Means> host_view_means();  ///< class 10
std::vector<Means> ipc_means();        ///< class 13

}  // namespace sluice::covert
