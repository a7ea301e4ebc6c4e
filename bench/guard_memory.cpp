// How much memory a guard takes for many ranks and subjects: makes a real guard (trusted/guard) for tables of many
// ranks, starts its threads, and reads off what it has reserved and what is really there. No rank ever connects.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "trusted/guard/guard.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)

constexpr const char* kUsage =
    "usage: guard_memory SHAPE RANKS SUBJECTS...\n"
    "SHAPE: chain     each subject sends to the next one\n"
    "       any       each subject sends to every other one\n"
    "Makes a guard for RANKS ranks over each number of SUBJECTS, with the smallest queues, and prints one JSON object "
    "a\n"
    "line: bytes that are reserved, bytes that are there once queues are filled in, and descriptors.\n"
    "Usually started by bench/run.\n";
/// Nothing that is measured takes longer.
constexpr unsigned kPatience = 100;

bool has_flow(std::string_view shape, std::uint32_t from, std::uint32_t to) {
  return from != to && (shape == "any" || from + 1 == to);
}

table::RunTable make_table(std::string_view shape, std::uint32_t ranks, std::uint32_t subjects) {
  table::RunTable table;
  for (std::uint32_t i = 0; i < subjects; ++i) {
    const std::uint32_t first = ranks * i / subjects;
    table.subjects.push_back({"s" + std::to_string(i), "BENCH", first, ranks * (i + 1) / subjects - first, true});
  }
  for (std::uint32_t from = 0; from < subjects; ++from) {
    for (std::uint32_t to = 0; to < subjects; ++to) {
      const bool flows = has_flow(shape, from, to);
      table.decisions.push_back({flows || from == to, 1, "listed", flows || from == to ? "" : "list it"});
      if (!flows) continue;
      table.flows.push_back(
          {from, to, wire::kMinQueueBytes, table::WhenFull::stop_receiver, 0, table::Path::relay, 1, ""});
    }
  }
  return table;
}

/// What the rules of trusted/table and trusted/guard reserve: mailboxes of all flows, and each rank's ring and cursors.
double reserved_bytes(const table::RunTable& table) {
  double bytes = static_cast<double>(table.world_size()) * (wire::kTransmitAreaBytes + wire::kPage);
  for (const table::Flow& flow : table.flows) {
    bytes += static_cast<double>(table::segment_count(table, flow)) * wire::kSegmentBytes;
  }
  return bytes;
}

/// A figure of /proc/self/status, in bytes.
double memory_figure(const char* name) {
  std::ifstream file("/proc/self/status");
  for (std::string key; file >> key;) {
    double kibibytes = 0;
    if (key == name && file >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return std::distance(begin(open), end(open));
}

Fd listen_somewhere(std::uint32_t subject) {
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const std::string name = "@sluice-guard-memory-" + std::to_string(::getpid()) + "-" + std::to_string(subject);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(fd.get(), 4) != 0)
    fd.reset();
  return fd;
}

/// Waits until the memory that is there grows no more: egress fills its queues in.
double settled_memory() {
  double before = -1;
  for (;;) {
    const double after = memory_figure("VmRSS:");
    if (after <= before) return after;
    before = after;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

int measure(std::string_view shape, std::uint32_t ranks, std::uint32_t subjects) {
  table::RunTable table = make_table(shape, ranks, subjects);
  if (!table::check(table)) return 2;
  const double reserved = reserved_bytes(table);
  const std::size_t flows = table.flows.size();
  std::vector<Fd> listeners;
  for (std::uint32_t i = 0; i < subjects; ++i) listeners.push_back(listen_somewhere(i));
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return 1;
  const guard::Reporter reporter(pair[1]);
  const auto statistics = std::make_unique<guard::Statistics>();
  const double before = memory_figure("VmRSS:");
  auto made = guard::Guard::create(std::move(table), std::move(listeners), {}, std::vector<uid_t>(subjects, ::getuid()),
                                   *statistics, reporter);
  if (!made || !made.value()->start()) {
    std::fprintf(stderr, "guard_memory: no memory, descriptors or threads for %u ranks\n", ranks);
    return 1;
  }
  std::printf(
      "{\"test\": \"guard memory\", \"shape\": \"%.*s\", \"ranks\": %u, \"subjects\": %u, \"flows\": %zu, "
      "\"reserved\": %.0f, \"resident\": %.0f, \"descriptors\": %td}\n",
      static_cast<int>(shape.size()), shape.data(), ranks, subjects, flows, reserved, settled_memory() - before,
      open_descriptors());
  std::fflush(stdout);
  // Its threads end with the process.
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || (std::strcmp(argv[1], "chain") != 0 && std::strcmp(argv[1], "any") != 0)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto ranks = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
  for (int i = 3; i < argc; ++i) {
    const auto subjects = static_cast<std::uint32_t>(std::strtoul(argv[i], nullptr, 10));
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(kPatience);
      std::_Exit(measure(argv[1], ranks, subjects));
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) return 1;
  }
  return 0;
}
