#include "trusted/sandbox/network_counters.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice::sandbox {
namespace {

namespace fs = std::filesystem;

// What the host MPIs, UCX and common tools read: addresses, routes and sockets of the namespace, and its own counters.
constexpr std::array<std::string_view, 14> kShown = {"arp",  "dev",        "dev_snmp6", "fib_trie", "if_inet6",
                                                     "igmp", "ipv6_route", "netstat",   "route",    "snmp",
                                                     "tcp",  "tcp6",       "udp",       "udp6"};

}  // namespace

bool hide_network_counters(pid_t process) {
  const fs::path folder = "/proc/" + std::to_string(process) + "/net";
  std::error_code error;
  bool hidden = false;
  for (const auto& item : fs::directory_iterator(folder, error)) {
    const std::string name = item.path().filename();
    if (std::find(kShown.begin(), kShown.end(), name) != kShown.end()) continue;
    if (item.is_directory(error)) {
      for (const auto& inner : fs::recursive_directory_iterator(item.path(), error)) {
        if (!inner.is_directory(error) && chmod(inner.path().c_str(), 0) != 0) return false;
      }
    } else if (chmod(item.path().c_str(), 0) != 0) {
      return false;
    }
    hidden = true;
  }
  return hidden && !error;
}

}  // namespace sluice::sandbox
