// What the generated wrappers need.
#pragma once

#include "host_table.hpp"
#include "mediated.hpp"
#include "untrusted/interpose/direct.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/gate.hpp"
#include "untrusted/interpose/host_caller.hpp"
#include "untrusted/interpose/point_to_point/large_count.hpp"

#define SLUICE_EXPORT extern "C" __attribute__((visibility("default")))

namespace sluice::interpose {

/// Address of a function of the host MPI. Ends the process with a clear message if the host lacks it.
void* find_in_host(const char* name);

template <typename Function>
void resolve(const char* name, Function& place) {
  place = reinterpret_cast<Function>(find_in_host(name));
}

}  // namespace sluice::interpose
