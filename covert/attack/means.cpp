#include "covert/attack/means.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::covert {

const std::vector<Means>& all_means() {
  static const std::vector<Means> all = [] {
    std::vector<Means> found;
    for (const auto& of_class :
         {ring_means(), futex_means(), cache_line_means(), descriptor_means(), lock_means(), inode_means(),
          output_means(), guard_load_means(), host_view_means(), exhaustion_means(), memory_means(), ipc_means(),
          tracing_means(), contention_means(), device_means(), slow_means(), administration_means()}) {
      found.insert(found.end(), of_class.begin(), of_class.end());
    }
    std::stable_sort(found.begin(), found.end(), [](const Means& a, const Means& b) { return a.number < b.number; });
    return found;
  }();
  return all;
}

const Means* find_means(const std::string& name) {
  for (const Means& means : all_means()) {
    if (name == means.name) return &means;
  }
  return nullptr;
}

const char* title_of_class(int number) {
  switch (number) {
    case 1:
      return "ring, return codes, send latency and credit";
    case 2:
      return "futexes on pages that both can reach";
    case 3:
      return "cache lines of shared pages";
    case 4:
      return "descriptors opened again, seals, udmabuf";
    case 5:
      return "locks on shared inodes";
    case 6:
      return "metadata of inodes and pages";
    case 7:
      return "output, exit status, signals, lifetime";
    case 8:
      return "load on the guard";
    case 9:
      return "headers that change while they are read";
    case 10:
      return "what the kernel tells of the host";
    case 11:
      return "exhaustion of what is counted";
    case 12:
      return "memory pressure, page cache, fsync";
    case 13:
      return "sockets, IPC, keys, shared memory by name";
    case 14:
      return "tracing and taking of other processes";
    case 15:
      return "processors, caches, frequency";
    case 16:
      return "device nodes";
    case 18:
      return "a slow leak over a long run";
    case 19:
      return "policy: cycles, downgrades, stale tables";
    case 20:
      return "logs and error texts";
    default:
      return "";
  }
}

}  // namespace sluice::covert
