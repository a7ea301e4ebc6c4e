// Attempts to reach another subject over a network.
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/attacks/attempts.hpp"

namespace sluice::attacks {

namespace {

/// Connects with a limit of 3 s.
std::string connect_to(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return "no address";
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return name_of(errno);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return kReached;
  if (errno != EINPROGRESS) return name_of(errno);
  pollfd polled{fd, POLLOUT, 0};
  if (::poll(&polled, 1, 3000) != 1) return "timeout";
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? kReached : name_of(error);
}

/// Sends a datagram to a group that every process of a network would get.
std::string send_datagram(const char* group) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  ::inet_pton(AF_INET, group, &address.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
  return verdict_of(::sendto(fd, "x", 1, 0, reinterpret_cast<sockaddr*>(&address), sizeof address));
}

std::string open_socket(int family, int type, int protocol) { return verdict_of(::socket(family, type, protocol)); }

/// Reached: there is an interface other than the loopback one.
std::string other_interfaces() {
  struct if_nameindex* interfaces = ::if_nameindex();
  if (interfaces == nullptr) return name_of(errno);
  std::string verdict = kNothing;
  for (const auto* one = interfaces; one->if_index != 0; ++one) {
    if (std::string(one->if_name) != "lo") verdict = kReached;
  }
  ::if_freenameindex(interfaces);
  return verdict;
}

}  // namespace

std::vector<Attempt> network_attempts(const Target& target) {
  return {
      {"tcp_loopback", [=] { return connect_to("127.0.0.1", target.port); }},
      {"tcp_host_address", [=] { return connect_to(target.address, target.port); }},
      {"udp_host_address", [=] { return send_datagram(target.address.c_str()); }},
      {"udp_multicast", [] { return send_datagram("224.0.0.1"); }},
      {"interfaces", [] { return other_interfaces(); }},
      {"raw_socket", [] { return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }},
      {"packet_socket", [] { return open_socket(AF_PACKET, SOCK_RAW, htons(3)); }},
      {"vsock", [] { return open_socket(AF_VSOCK, SOCK_STREAM, 0); }},
      {"netlink_kobject_uevent", [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT); }},
      {"netlink_generic", [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC); }},
      {"netlink_connector", [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_CONNECTOR); }},
      {"netlink_diagnosis", [] { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG); }},
      {"crypto_socket", [] { return open_socket(AF_ALG, SOCK_SEQPACKET, 0); }},
  };
}

}  // namespace sluice::attacks
