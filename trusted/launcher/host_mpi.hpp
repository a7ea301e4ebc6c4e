// The two host MPIs, and how to find out which one an image wants.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "trusted/base/result.hpp"

namespace sluice::launcher {

enum class HostMpi { openmpi, mpich };

/// "openmpi" or "mpich", as policies write it.
const char* name_of(HostMpi mpi) noexcept;

/// Path of the mpiexec of `mpi`, and the Debian package that has it.
const char* mpiexec_of(HostMpi mpi) noexcept;
const char* package_of(HostMpi mpi) noexcept;

/// Which host MPI the program at `image` is built for: from the libraries it needs, directly or not; for a script,
/// from its interpreter; for Python, from the mpi4py that this Python would import. Nothing of it is run.
/// The error is one sentence that says why it cannot be told.
Result<HostMpi, std::string> detect_host_mpi(const std::filesystem::path& image);

/// Command line inside the sandbox: `mpiexec` with `ranks` ranks of `image`, each started by sluice-rank, which
/// takes its output. `preload`, if not empty, is loaded into the images, and into nothing else.
std::vector<std::string> mpiexec_command(HostMpi mpi, unsigned ranks, const std::string& preload,
                                         const std::string& image, const std::vector<std::string>& arguments);

}  // namespace sluice::launcher
