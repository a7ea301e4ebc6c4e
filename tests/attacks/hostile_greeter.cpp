// A process that abuses the guard's socket. README.md says what must come of each misdeed.
//
//   hostile_greeter MISDEED
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <memory>

#include "tests/attacks/hostile.hpp"

namespace {

using namespace sluice;           // NOLINT(google-build-using-namespace)
using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)
using wire::GreetingVerdict;
using wire::Hello;

std::string words(std::optional<GreetingVerdict> verdict) {
  if (!verdict) return "no answer";
  constexpr const char* kWords[] = {"welcome",    "not_a_hello", "wrong_version",   "no_such_rank",
                                    "wrong_size", "rank_taken",  "foreign_process", "guard_exhausted"};
  const auto index = static_cast<std::size_t>(*verdict);
  return index < std::size(kWords) ? kWords[index] : "unknown verdict";
}

Hello right_hello() {
  const Place place = Place::from_environment();
  return {wire::kGreetingMagic, wire::kProtocolVersion, place.rank, place.size};
}

/// A connection of its own that says one packet and prints the guard's answer.
void greet_with(const void* packet, std::size_t bytes) {
  RawRank stranger;
  if (!stranger.connect(wire::kGuardSocketPath)) return say("ANSWER cannot connect");
  stranger.say(packet, bytes);
  say("ANSWER " + words(stranger.answer()));
}

void hello_with(const std::function<void(Hello&)>& change) {
  Hello hello = right_hello();
  change(hello);
  greet_with(&hello, sizeof hello);
}

/// Connections that never say who they are, as many as the system gives.
void flood(RawRank&) {
  std::vector<std::unique_ptr<RawRank>> connections;
  for (int i = 0; i < 200; ++i) {
    connections.push_back(std::make_unique<RawRank>());
    if (!connections.back()->connect(wire::kGuardSocketPath)) break;
  }
  ::usleep(500'000);
}

/// A few connections that are opened and left, within what the guard allows.
void half_open(RawRank& rank) {
  for (int i = 0; i < 8; ++i) {
    RawRank passing;
    if (!passing.connect(wire::kGuardSocketPath)) break;
    passing.hang_up();
    ::usleep(5'000);
  }
  rank.send(0, kProbeTag, kProbeText, sizeof kProbeText);
}

/// Sends `count` descriptors with each of `packets` packets. Prints how many packets the kernel took.
int send_descriptors(int socket, const void* packet, std::size_t bytes, int packets) {
  constexpr int kEach = 200;
  int descriptors[kEach];
  // Not of its own pipes: the host MPI would wait for their end for ever.
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int& fd : descriptors) fd = null;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)] = {};
  iovec vector{const_cast<void*>(packet), bytes};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptors);
  std::memcpy(CMSG_DATA(header), descriptors, sizeof descriptors);
  int taken = 0;
  for (int i = 0; i < packets; ++i) {
    if (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) ++taken;
  }
  return taken;
}

/// Descriptors along with the Hello, and into the wake socket, which the guard never reads.
void descriptors_along(RawRank& rank) {
  const int into_wake = send_descriptors(rank.wake_socket(), "x", 1, 1000);
  say(std::string("WAKE ") + (into_wake < 1000 ? "bounded" : "unbounded"));
  rank.send(0, kProbeTag, kProbeText, sizeof kProbeText);
}

/// The greeting itself with 200 descriptors: welcome, and the descriptors are gone.
void greet_with_descriptors() {
  const Hello hello = right_hello();
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, wire::kGuardSocketPath);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return say("ANSWER cannot connect");
  send_descriptors(fd, &hello, sizeof hello, 1);
  wire::Welcome welcome{};
  pollfd polled{fd, POLLIN, 0};
  const bool came = ::poll(&polled, 1, 5000) == 1 && ::recv(fd, &welcome, sizeof welcome, 0) == sizeof welcome;
  say("ANSWER " + words(came ? std::optional(welcome.verdict) : std::nullopt));
}

/// Those that join as they should first, so that the victim has something to receive.
std::vector<Misdeed> as_member() {
  return {
      {"same_rank_again", [](RawRank&) { hello_with([](Hello&) {}); }},
      {"rank_of_sibling",
       [](RawRank&) { hello_with([](Hello& hello) { hello.host_rank = hello.host_rank == 0 ? 1 : 0; }); }},
      {"rank_out_of_range", [](RawRank&) { hello_with([](Hello& hello) { hello.host_rank = hello.host_size; }); }},
      {"rank_of_victim", [](RawRank&) { hello_with([](Hello& hello) { hello.host_rank = 0xffffffff; }); }},
      {"wrong_job_size", [](RawRank&) { hello_with([](Hello& hello) { hello.host_size += 1; }); }},
      {"wrong_version", [](RawRank&) { hello_with([](Hello& hello) { hello.version += 1; }); }},
      {"wrong_magic", [](RawRank&) { hello_with([](Hello& hello) { hello.magic = 0; }); }},
      {"short_hello",
       [](RawRank&) {
         const Hello hello = right_hello();
         greet_with(&hello, sizeof hello - 1);
       }},
      {"long_hello",
       [](RawRank&) {
         char packet[sizeof(Hello) + 1] = {};
         const Hello hello = right_hello();
         std::memcpy(packet, &hello, sizeof hello);
         greet_with(packet, sizeof packet);
       }},
      {"huge_packet",
       [](RawRank&) {
         const std::vector<char> packet(100'000, 'A');
         greet_with(packet.data(), packet.size());
       }},
      {"garbage_packet", [](RawRank&) { greet_with("GET / HTTP/1.1\r\n\r\n", 18); }},
      {"second_packet",
       [](RawRank& rank) {
         const Hello hello = right_hello();
         rank.say(&hello, sizeof hello);
       }},
      {"flood", flood},
      {"half_open", half_open},
      {"descriptors_along", descriptors_along},
  };
}

}  // namespace

int main(int argc, char** argv) {
  // The only one that does not join first: its greeting is the attack.
  if (argc == 2 && std::strcmp(argv[1], "hello_with_descriptors") == 0) {
    greet_with_descriptors();
    return 0;
  }
  const std::vector<Misdeed> misdeeds = as_member();
  const Misdeed& misdeed = chosen(misdeeds, argc, argv);
  RawRank rank;
  join(rank);
  send_probe(rank);
  misdeed.act(rank);
  say(rank.dropped(1000) ? "DROPPED" : "STILL CONNECTED");
  return 0;
}
