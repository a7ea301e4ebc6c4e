#include "trusted/sandbox/devices.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>

#include "trusted/base/fd.hpp"

namespace sluice::sandbox {
namespace {

struct Node {
  const char* name;
  unsigned minor;
};

/// The memory devices that bubblewrap's /dev shows; major number 1 (Linux, Documentation/admin-guide/devices.txt).
constexpr unsigned kMemoryDevices = 1;
constexpr std::array<Node, 5> kNodes = {{{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}}};

/// Whether a device node at `path` works. In a user namespace it may be there and not.
bool usable(const std::string& path) { return Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)).valid(); }

}  // namespace

Result<std::vector<Entry>, Problem> own_devices(const std::string& stage) {
  const std::string folder = stage + "/devices";
  if (mkdir(folder.c_str(), 0755) != 0) return system_problem("cannot make " + folder);
  // The run's directory is mounted without devices.
  if (mount("sluice", folder.c_str(), "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755") != 0) {
    return system_problem("cannot mount memory for device nodes");
  }
  std::vector<Entry> entries;
  for (const Node& node : kNodes) {
    const std::string path = folder + "/" + node.name;
    const bool made =
        mknod(path.c_str(), S_IFCHR | 0666, makedev(kMemoryDevices, node.minor)) == 0 && chmod(path.c_str(), 0666) == 0;
    if (!made || !usable(path)) return std::vector<Entry>{};
    entries.push_back({Entry::Kind::device, std::string("/dev/") + node.name, path});
  }
  return entries;
}

}  // namespace sluice::sandbox
