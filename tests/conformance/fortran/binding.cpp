// A program that reaches the Fortran binding at run time, the right way or past the library.
//
//   binding global   the binding is loaded as usual
//   binding deep     RTLD_DEEPBIND before MPI_Init: its calls go straight to the host MPI
//   binding alone    the same, and the program uses nothing but that binding
#include <dlfcn.h>

#include <cstdio>
#include <cstring>

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

namespace {

#ifdef OMPI_MAJOR_VERSION
constexpr char kBinding[] = "libmpi_mpifh.so.40";
#else
constexpr char kBinding[] = "libmpichfort.so.12";
#endif

using OnlyError = void (*)(int*);
using Query = void (*)(const int*, int*, int*);

template <typename Function>
Function find(void* handle, const char* name) {
  void* function = ::dlsym(handle, name);
  if (function == nullptr) std::printf("FAILED: no %s in %s\n", name, kBinding);
  return reinterpret_cast<Function>(function);
}

}  // namespace

int main(int count, char** words) {
  const char* mode = count > 1 ? words[1] : "global";
  const bool deep = std::strcmp(mode, "global") != 0;
  void* handle = ::dlopen(kBinding, RTLD_NOW | (deep ? RTLD_DEEPBIND : RTLD_GLOBAL));
  if (handle == nullptr) {
    std::printf("FAILED: %s\n", ::dlerror());
    return 1;
  }
  const auto init = find<OnlyError>(handle, "mpi_init_");
  const auto finalize = find<OnlyError>(handle, "mpi_finalize_");
  const auto comm_size = find<Query>(handle, "mpi_comm_size_");
  if (init == nullptr || finalize == nullptr || comm_size == nullptr) return 1;
  int error = 0;
  int size = 0;
  if (std::strcmp(mode, "deep") == 0) {
    MPI_Init(nullptr, nullptr);
  } else {
    init(&error);
  }
  // MPI_COMM_WORLD of Fortran, without a call of C: 0 in Open MPI, the C handle in MPICH.
#ifdef OMPI_MAJOR_VERSION
  const int world = 0;
#else
  const int world = MPI_COMM_WORLD;
#endif
  comm_size(&world, &size, &error);
  std::printf("PASSED with %d ranks\n", size);
  finalize(&error);
  return 0;
}
