// What an ELF file says about the libraries that it needs. A small bounded reader: images are not trusted.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "trusted/base/result.hpp"

namespace sluice::launcher {

enum class ElfError {
  unreadable,  ///< the file cannot be read
  not_elf,     ///< it does not start as a 64-bit little-endian ELF file does
  malformed,   ///< an offset or count in it points outside of it
};

struct Dependencies {
  std::vector<std::string> needed;  ///< DT_NEEDED, in order
  std::vector<std::string> paths;   ///< DT_RPATH and DT_RUNPATH, split at colons, as written
};

/// Reads the dynamic section of a whole ELF file. A static program has no dependencies.
Result<Dependencies, ElfError> read_dependencies(std::span<const std::byte> file);

/// The same for the file at `path`, of which at most 1 GiB is looked at.
Result<Dependencies, ElfError> read_dependencies(const std::string& path);

}  // namespace sluice::launcher
