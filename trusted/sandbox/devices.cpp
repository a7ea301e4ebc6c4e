#include "trusted/sandbox/devices.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "trusted/base/fd.hpp"

namespace sluice::sandbox {
namespace {

struct Node {
  const char* name;
  unsigned major;
  unsigned minor;
};

/// The devices that bubblewrap's /dev shows (Linux, Documentation/admin-guide/devices.txt).
constexpr std::array<Node, 6> kNodes = {
    {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}}};

/// With 62 subjects still fewer than the 3072 that Linux has by default for all that are not the host's own. Open MPI
/// takes one for each local rank, and pipes once there are no more.
constexpr char kTerminalOptions[] = "newinstance,ptmxmode=0666,mode=620,max=40";

/// Whether a device node at `path` works. In a user namespace it may be there and not.
bool usable(const std::string& path) {
  // A process without a terminal is told so by the device itself.
  return Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)).valid() || errno == ENXIO;
}

/// Makes the mount at `place` read-only. Devices stay writable as devices; the times and modes of their nodes do not.
bool make_read_only(const std::string& place) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  return mount_setattr(AT_FDCWD, place.c_str(), 0, &attributes, sizeof attributes) == 0;
}

/// The host's node at `place`, covered by itself read-only, in this mount namespace alone.
Status<Problem> cover_node(const std::string& place) {
  if (mount(place.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) != 0 || !make_read_only(place)) {
    return system_problem("cannot make " + place + " read-only for the run's sandboxes");
  }
  return Unit{};
}

Result<std::vector<Entry>, Problem> hosts_devices() {
  for (const Node& node : kNodes) {
    if (auto covered = cover_node(std::string("/dev/") + node.name); !covered) return covered.error();
  }
  return std::vector<Entry>{};
}

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
        mknod(path.c_str(), S_IFCHR | 0666, makedev(node.major, node.minor)) == 0 && chmod(path.c_str(), 0666) == 0;
    if (!made || !usable(path)) return hosts_devices();
    entries.push_back({Entry::Kind::device, std::string("/dev/") + node.name, path});
  }
  if (!make_read_only(folder)) return system_problem("cannot make " + folder + " read-only");
  return entries;
}

Result<Entry, Problem> own_terminals(const std::string& stage) {
  std::string folder = stage + "/terminals";
  if (mkdir(folder.c_str(), 0755) != 0) return system_problem("cannot make " + folder);
  if (mount("sluice", folder.c_str(), "devpts", MS_NOSUID | MS_NOEXEC, kTerminalOptions) != 0) {
    return system_problem("cannot mount pseudo-terminals for a sandbox");
  }
  return Entry{Entry::Kind::device, "/dev/pts", std::move(folder)};
}

}  // namespace sluice::sandbox
