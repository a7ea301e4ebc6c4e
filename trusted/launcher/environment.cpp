#include "trusted/launcher/environment.hpp"

namespace sluice::launcher {
namespace {

constexpr char kInnerPath[] = "/usr/local/bin:/usr/bin:/bin";
/// Inside the sandbox: preloaded into MPICH's launcher.
constexpr char kSessionPath[] = "/run/sluice/session.so";

}  // namespace

Environment environment_of(const policy::Subject& subject, HostMpi mpi) {
  Environment result = {{"PATH", kInnerPath},
                        {"HOME", "/tmp"},
                        {"TMPDIR", "/tmp"},
                        {"USER", "sluice"},
                        {"LOGNAME", "sluice"},
                        {"SHELL", "/bin/sh"},
                        {"LANG", "C.UTF-8"},
                        // Python would try to write beside its sources, which are read-only.
                        {"PYTHONDONTWRITEBYTECODE", "1"}};
  if (subject.world == policy::World::run) result.emplace_back("SLUICE_RUN", "1");
  // For mpiexec and its proxies; sluice-rank takes it back.
  if (mpi == HostMpi::mpich) result.emplace_back("LD_PRELOAD", kSessionPath);
  // Its plugins look for graphics processors and PCI devices, and read 5 MiB of libraries in each process.
  result.emplace_back("HWLOC_PLUGINS_PATH", "/nonexistent");
  // PSM and PSM2 wait 0.2 s for network cards, which no sandbox has. The other one is left out in Debian's settings.
  if (mpi == HostMpi::openmpi) result.emplace_back("OMPI_MCA_mtl", "^ofi,psm,psm2");
  result.insert(result.end(), subject.environment.begin(), subject.environment.end());
  return result;
}

}  // namespace sluice::launcher
