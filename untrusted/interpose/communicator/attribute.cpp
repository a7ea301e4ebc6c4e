#include "untrusted/interpose/communicator/attribute.hpp"

#include <algorithm>

#include "include/mpix_sluice.h"
#include "mediated.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

using GetAttribute = int (*)(MPI_Comm, int, void*, int*);

int get_attribute(GetAttribute direct, MPI_Comm comm, int keyval, void* value, int* flag) {
  const int error = direct(comm, keyval, value, flag);
  if (error != MPI_SUCCESS || value == nullptr || flag == nullptr || lookup(comm) == nullptr) return error;
  if (int* own = predefined_attribute(keyval); own != nullptr) {
    // The application number is ours to say even where the host, started without several programs, has none.
    if (*flag == 0 && keyval != MPI_APPNUM) return error;
    *static_cast<int**>(value) = own;
    *flag = 1;
  }
  return error;
}

}  // namespace

int bounded_tag(int host_bound) noexcept { return std::min(host_bound, kMostTag); }

int* predefined_attribute(int keyval) noexcept {
  static int world_size = layer.world_size;
  static int clock_is_global = 0;
  static int subject = [] {
    int number = 0;
    MPIX_Subject_mine(&number);
    return number;
  }();
  if (keyval == MPI_TAG_UB) return &layer.tag_bound;
  if (keyval == MPI_UNIVERSE_SIZE) return &world_size;
  if (keyval == MPI_APPNUM) return &subject;
  if (keyval == MPI_WTIME_IS_GLOBAL) return &clock_is_global;
  return nullptr;
}

namespace mediated {

int Comm_get_attr(MPI_Comm comm, int keyval, void* value, int* flag) {
  return get_attribute(host.Comm_get_attr, comm, keyval, value, flag);
}

int Attr_get(MPI_Comm comm, int keyval, void* value, int* flag) {
  return get_attribute(host.Attr_get, comm, keyval, value, flag);
}

}  // namespace mediated

}  // namespace sluice::interpose
