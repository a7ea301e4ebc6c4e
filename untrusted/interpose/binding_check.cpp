#include "untrusted/interpose/binding_check.hpp"

#include <dlfcn.h>
#include <link.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "host_table.hpp"
#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"

namespace sluice::interpose {

namespace {

std::atomic<unsigned> arrivals{0};
std::atomic<bool> started{false};

/// An INTEGER or LOGICAL of a Fortran program, which may have been compiled with either size. The hosts of this
/// library are little-endian.
struct FortranInteger {
  std::int64_t storage = 0;
  [[nodiscard]] std::int32_t value() const noexcept { return static_cast<std::int32_t>(storage); }
};

/// MPI_Initialized and MPI_Comm_size of a binding. TYPE(MPI_Comm) of mpi_f08 is one INTEGER.
using FortranInitialized = void (*)(FortranInteger* flag, FortranInteger* error);
using FortranCommSize = void (*)(const FortranInteger* comm, FortranInteger* size, FortranInteger* error);

/// How compilers spell one Fortran procedure; the last is that of mpi_f08.
constexpr const char* kInitialized[] = {"mpi_initialized_", "mpi_initialized", "mpi_initialized__", "MPI_INITIALIZED",
                                        "mpi_initialized_f08_"};
constexpr const char* kCommSize[] = {"mpi_comm_size_", "mpi_comm_size", "mpi_comm_size__", "MPI_COMM_SIZE",
                                     "mpi_comm_size_f08_"};

struct Object {
  std::string path;  ///< empty for the program itself
  std::uintptr_t base;
};

int add_object(dl_phdr_info* object, std::size_t, void* objects) {
  static_cast<std::vector<Object>*>(objects)->push_back({object->dlpi_name, object->dlpi_addr});
  return 0;
}

std::vector<Object> loaded_objects() {
  std::vector<Object> objects;
  ::dl_iterate_phdr(add_object, &objects);
  return objects;
}

/// The function `name` that `object` itself defines, or null.
void* own_function(const Object& object, void* handle, const char* name) {
  void* function = ::dlsym(handle, name);
  Dl_info found = {};
  link_map* map = nullptr;
  if (function == nullptr) return nullptr;
  if (::dladdr1(function, &found, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0) return nullptr;
  return map != nullptr && map->l_addr == object.base ? function : nullptr;
}

/// Calls `probe(object, function)` for each of the `names` that a loaded object defines.
template <std::size_t kNames, typename Probe>
void for_each_entry(const char* const (&names)[kNames], const Probe& probe) {
  for (const Object& object : loaded_objects()) {
    void* handle = ::dlopen(object.path.empty() ? nullptr : object.path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) continue;
    for (const char* name : names) {
      void* function = own_function(object, handle, name);
      if (function != nullptr) probe(object, function);
    }
    ::dlclose(handle);
  }
}

[[noreturn]] void refuse_binding(const Object& object) {
  die("the Fortran binding " + (object.path.empty() ? std::string("in the program") : object.path) +
      " reaches an MPI library without passing this one, so its calls would know nothing of other subjects. Link the "
      "program dynamically with the binding that belongs to " +
      kHostName + ", without -Bsymbolic or RTLD_DEEPBIND, or set `world: subject` in the policy");
}

bool in_run() {
  const char* text = std::getenv("SLUICE_RUN");
  return text != nullptr && std::string_view(text) == "1";
}

/// Before the program starts: a binding whose MPI_Init would not come here is found now or never.
__attribute__((constructor)) void check_at_load() {
  if (!in_run()) return;
  for_each_entry(kInitialized, [](const Object& object, void* function) {
    const unsigned before = arrivals.load();
    FortranInteger flag;
    FortranInteger error;
    reinterpret_cast<FortranInitialized>(function)(&flag, &error);
    if (arrivals.load() == before) refuse_binding(object);
  });
}

/// At the end: a program that has loaded such a binding later, and used it alone.
__attribute__((destructor)) void check_at_end() {
  if (!in_run() || started.load()) return;
  int initialized = 0;
  if (host.Initialized(&initialized) != MPI_SUCCESS || initialized == 0) return;
  die(std::string("the program has called ") + kHostName +
      " without passing this library, so it has run in a world of its own subject. Load the MPI library and its "
      "bindings without RTLD_DEEPBIND, or set `world: subject` in the policy");
}

}  // namespace

void note_arrival() noexcept { arrivals.fetch_add(1); }

void note_start() noexcept { started.store(true); }

void check_bindings(int world_size) {
  const FortranInteger world{PMPI_Comm_c2f(MPI_COMM_WORLD)};
  for_each_entry(kCommSize, [&](const Object& object, void* function) {
    FortranInteger size;
    FortranInteger error;
    reinterpret_cast<FortranCommSize>(function)(&world, &size, &error);
    if (size.value() != world_size) refuse_binding(object);
  });
}

int mediated::Initialized(int* flag) {
  note_arrival();
  return host.Initialized(flag);
}

}  // namespace sluice::interpose
