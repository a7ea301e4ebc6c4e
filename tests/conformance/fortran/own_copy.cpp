// A Fortran binding that carries the host MPI inside: its entry points never come to the library. Built as a shared
// library; what a static copy of the host MPI would do, it does by asking the host's library for its own functions.
#include <dlfcn.h>

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

namespace {

#ifdef OMPI_MAJOR_VERSION
constexpr char kHost[] = "libmpi.so.40";
#else
constexpr char kHost[] = "libmpich.so.12";
#endif

template <typename Function>
Function find(const char* name) {
  static void* const host = ::dlopen(kHost, RTLD_LAZY);
  return reinterpret_cast<Function>(::dlsym(host, name));
}

}  // namespace

extern "C" {
void mpi_init_(int* error) { *error = find<int (*)(int*, char***)>("PMPI_Init")(nullptr, nullptr); }
void mpi_finalize_(int* error) { *error = find<int (*)()>("PMPI_Finalize")(); }
void mpi_initialized_(int* flag, int* error) { *error = find<int (*)(int*)>("PMPI_Initialized")(flag); }
}
