// Tells calls of the program from calls that the host MPI's own libraries make.
#pragma once

#include <cstdint>

namespace sluice::interpose {

/// Whether `return_address` lies in the host MPI itself (its core, its components, its ROMIO). Such calls see the
/// host's world and go straight down. The Fortran and C++ bindings count as the program.
bool called_by_host(const void* return_address);

/// Text of the program's main object. Known once find_program_text() has run, and never changed after.
struct ProgramText {
  std::uintptr_t first = 0;
  std::uintptr_t last = 0;  ///< behind it
};
[[gnu::visibility("hidden")]] extern ProgramText program_text;
void find_program_text();

/// Whether the main object makes the call. False also for calls of the program's own libraries.
[[gnu::always_inline]] inline bool called_by_main_object(const void* return_address) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(return_address);
  return address >= program_text.first && address < program_text.last;
}

/// Where the wrapper that leaves its direct way was called from. Not a parameter, as one more would be written to the
/// stack, and those there moved, in the direct way too.
[[gnu::tls_model("initial-exec"), gnu::visibility("hidden")]] extern thread_local constinit const void* call_site;

}  // namespace sluice::interpose
