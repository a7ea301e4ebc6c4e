// Predefined attributes for Fortran: the only calls of the bindings that go past the C functions and matter. They ask
// the host's core directly, in Open MPI from the Fortran procedures, in MPICH through MPII_Comm_get_attr.
#include <dlfcn.h>

#include <cstdint>
#include <string>

#include "untrusted/interpose/communicator/attribute.hpp"
#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/wrapper.hpp"

using namespace sluice::interpose;  // NOLINT(google-build-using-namespace)

#ifdef OMPI_MAJOR_VERSION

namespace {

/// MPI_Comm_get_attr(comm, keyval, value, flag, ierror) of Fortran; `Value` is what a value is stored as.
template <typename Value>
using FortranGet = void (*)(const MPI_Fint*, const MPI_Fint*, Value*, MPI_Fint*, MPI_Fint*);

/// The binding's own procedure. One that was loaded for its caller alone is found through the caller.
void* find_in_binding(const char* name, const void* caller) {
  void* function = ::dlsym(RTLD_NEXT, name);
  Dl_info found = {};
  if (function == nullptr && ::dladdr(caller, &found) != 0) {
    void* handle = ::dlopen(found.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    function = handle != nullptr ? ::dlsym(handle, name) : nullptr;
  }
  if (function == nullptr) die(std::string("the Fortran binding has no ") + name);
  return function;
}

template <typename Value>
void get_attribute(const char* name, const void* caller, const MPI_Fint* comm, const MPI_Fint* keyval, Value* value,
                   MPI_Fint* flag, MPI_Fint* error) {
  reinterpret_cast<FortranGet<Value>>(find_in_binding(name, caller))(comm, keyval, value, flag, error);
  if (!is_virtual(PMPI_Comm_f2c(*comm)) || (*flag == 0 && *keyval != MPI_APPNUM)) return;
  const int* own = predefined_attribute(*keyval);
  if (own == nullptr) return;
  *value = *own;
  *flag = 1;
}

}  // namespace

SLUICE_EXPORT void mpi_comm_get_attr_(const MPI_Fint* comm, const MPI_Fint* keyval, MPI_Aint* value, MPI_Fint* flag,
                                      MPI_Fint* error) {
  get_attribute("mpi_comm_get_attr_", __builtin_return_address(0), comm, keyval, value, flag, error);
}

SLUICE_EXPORT void mpi_attr_get_(const MPI_Fint* comm, const MPI_Fint* keyval, MPI_Fint* value, MPI_Fint* flag,
                                 MPI_Fint* error) {
  get_attribute("mpi_attr_get_", __builtin_return_address(0), comm, keyval, value, flag, error);
}

// As other compilers spell them, and under the names of the profiling interface, which mpi_f08 calls.
#define SLUICE_COMM_GET_ATTR(name)                                                           \
  SLUICE_EXPORT void name(const MPI_Fint*, const MPI_Fint*, MPI_Aint*, MPI_Fint*, MPI_Fint*) \
      __attribute__((alias("mpi_comm_get_attr_")));
#define SLUICE_ATTR_GET(name)                                                                \
  SLUICE_EXPORT void name(const MPI_Fint*, const MPI_Fint*, MPI_Fint*, MPI_Fint*, MPI_Fint*) \
      __attribute__((alias("mpi_attr_get_")));
SLUICE_COMM_GET_ATTR(mpi_comm_get_attr)
SLUICE_COMM_GET_ATTR(mpi_comm_get_attr__)
SLUICE_COMM_GET_ATTR(MPI_COMM_GET_ATTR)
SLUICE_COMM_GET_ATTR(pmpi_comm_get_attr)
SLUICE_COMM_GET_ATTR(pmpi_comm_get_attr_)
SLUICE_COMM_GET_ATTR(pmpi_comm_get_attr__)
SLUICE_COMM_GET_ATTR(PMPI_COMM_GET_ATTR)
SLUICE_ATTR_GET(mpi_attr_get)
SLUICE_ATTR_GET(mpi_attr_get__)
SLUICE_ATTR_GET(MPI_ATTR_GET)
SLUICE_ATTR_GET(pmpi_attr_get)
SLUICE_ATTR_GET(pmpi_attr_get_)
SLUICE_ATTR_GET(pmpi_attr_get__)
SLUICE_ATTR_GET(PMPI_ATTR_GET)

#else

/// `type` says as what the caller stores the value; all are as wide as a pointer. Fortran's keyvals of predefined
/// attributes are those of C plus one.
SLUICE_EXPORT int MPII_Comm_get_attr(MPI_Comm comm, int keyval, void* value, int* flag, int type) {
  using Get = int (*)(MPI_Comm, int, void*, int*, int);
  static const Get direct = reinterpret_cast<Get>(find_in_host("MPII_Comm_get_attr"));
  const int error = direct(comm, keyval, value, flag, type);
  if (error != MPI_SUCCESS || !is_virtual(comm) || called_by_host(__builtin_return_address(0))) return error;
  if (*flag == 0 && keyval != MPI_APPNUM + 1) return error;
  const int* own = predefined_attribute(keyval - 1);
  if (own == nullptr) return error;
  *static_cast<std::intptr_t*>(value) = *own;
  *flag = 1;
  return error;
}

#endif
