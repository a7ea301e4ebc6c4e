// What the machine itself takes for the steps that a message is made of: no way between two processes is faster.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "wire/limits.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kUsage =
    "usage: limits_bench [--work FACTOR]\n"
    "Measures a cache line's way between two processors, copying on one and across two, giving way and a switch\n"
    "between two processes, and prints one JSON object a line. Usually started by bench/run.\n";
constexpr int kParts = 9;

void print(const char* what, std::size_t bytes, double value, const char* unit) {
  std::printf("{\"test\": \"limit: %s\", \"place\": \"machine\", \"bytes\": %zu, \"value\": %.6g, \"unit\": \"%s\"}\n",
              what, bytes, value, unit);
  std::fflush(stdout);
}

/// Least of kParts of the seconds that one of `count` calls of `once` takes: nothing disturbed it.
template <typename Once>
double least_seconds(std::size_t count, const Once& once) {
  std::array<double, kParts> parts{};
  for (double& part : parts) {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < count; ++i) once();
    part = std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(count);
  }
  return *std::min_element(parts.begin(), parts.end());
}

/// Processors that this process may use.
std::vector<std::size_t> processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof set, &set);
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) found.push_back(i);
  }
  return found;
}

void stay_on(std::size_t processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

/// One cache line goes to and fro between threads on two processors; half of a round trip.
void hand_over(double work, std::size_t first, std::size_t second) {
  struct alignas(sluice::wire::kCacheLine) Line {
    std::atomic<std::uint64_t> turn{0};
  };
  const auto line = std::make_unique<Line>();
  const auto trips = std::max<std::uint64_t>(static_cast<std::uint64_t>(20'000 * work), 100);
  std::thread other([&] {
    stay_on(second);
    for (std::uint64_t i = 0; i < kParts * trips; ++i) {
      while (line->turn.load(std::memory_order_acquire) != 2 * i + 1) continue;
      line->turn.store(2 * i + 2, std::memory_order_release);
    }
  });
  stay_on(first);
  std::uint64_t turn = 0;
  const double seconds = least_seconds(trips, [&] {
    line->turn.store(turn + 1, std::memory_order_release);
    turn += 2;
    while (line->turn.load(std::memory_order_acquire) != turn) continue;
  });
  other.join();
  print("cache line to another processor", 64, seconds / 2 * 1e9, "ns");
}

void copy(double work) {
  for (const std::size_t bytes :
       {std::size_t{8} << 10, std::size_t{64} << 10, std::size_t{1} << 20, std::size_t{64} << 20}) {
    const std::vector<char> from(bytes, 'x');
    std::vector<char> to(bytes, 'y');
    const auto count =
        std::max<std::size_t>(static_cast<std::size_t>(static_cast<double>(256 << 20) * work) / bytes, 2);
    const double seconds = least_seconds(count, [&] {
      std::memcpy(to.data(), from.data(), bytes);
      asm volatile("" : : "r"(to.data()) : "memory");  // the copy is wanted
    });
    print("memcpy", bytes, static_cast<double>(bytes) / seconds / 1e9, "GB/s");
  }
}

/// What two threads on two processors that take turns share: whose turn it is.
class Turns {
 public:
  void wait_for(std::uint64_t turn) const noexcept {
    while (turn_.load(std::memory_order_acquire) != turn) continue;
  }
  void next() noexcept { turn_.store(turn_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  alignas(sluice::wire::kCacheLine) std::atomic<std::uint64_t> turn_{0};
};

/// Seconds of one copy.
double seconds_of_copy(std::vector<char>& to, const std::vector<char>& from) {
  const auto start = Clock::now();
  std::memcpy(to.data(), from.data(), to.size());
  asm volatile("" : : "r"(to.data()) : "memory");  // the copy is wanted
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A message's bytes go through memory that two processors use in turn: one copies into what the other read last, the
/// other copies out what the first has written.
void copy_across(double work, std::size_t first, std::size_t second) {
  for (const std::size_t bytes : {std::size_t{64} << 10, std::size_t{1} << 20}) {
    const auto trips =
        std::max<std::uint64_t>(static_cast<std::uint64_t>(static_cast<double>(256 << 20) * work) / bytes, 4);
    std::vector<char> between(bytes, 'x');
    Turns turns;
    double out_of = 1;
    std::thread other([&] {
      stay_on(second);
      std::vector<char> to(bytes, 'y');
      for (std::uint64_t trip = 0; trip < trips; ++trip) {
        turns.wait_for(2 * trip + 1);
        out_of = std::min(out_of, seconds_of_copy(to, between));
        turns.next();
      }
    });
    stay_on(first);
    const std::vector<char> from(bytes, 'z');
    double into = 1;
    for (std::uint64_t trip = 0; trip < trips; ++trip) {
      turns.wait_for(2 * trip);
      into = std::min(into, seconds_of_copy(between, from));
      turns.next();
    }
    other.join();
    print("memcpy into what another processor read", bytes, static_cast<double>(bytes) / into / 1e9, "GB/s");
    print("memcpy of what another processor wrote", bytes, static_cast<double>(bytes) / out_of / 1e9, "GB/s");
  }
}

/// Cache lines one after the other, as the frames of small messages are: one thread writes each, another on its own
/// processor reads it.
void lines_in_a_row(double work, std::size_t first, std::size_t second) {
  constexpr std::size_t kLines = 4096;
  struct alignas(sluice::wire::kCacheLine) Line {
    std::atomic<std::uint64_t> round{0};
  };
  std::vector<Line> ring(kLines);
  const auto rounds = std::max<std::uint64_t>(static_cast<std::uint64_t>(500 * work), 2);
  Turns turns;
  std::thread other([&] {
    stay_on(second);
    for (std::uint64_t round = 1; round <= kParts * rounds; ++round) {
      for (const Line& line : ring) {
        while (line.round.load(std::memory_order_acquire) != round) continue;
      }
      turns.next();
    }
  });
  stay_on(first);
  std::uint64_t round = 0;
  const double seconds = least_seconds(rounds, [&] {
    // The reader is one round behind at most, as with a ring.
    if (round != 0) turns.wait_for(round);
    ++round;
    for (Line& line : ring) line.round.store(round, std::memory_order_release);
  });
  other.join();
  print("cache lines in a row to another processor", 64, static_cast<double>(kLines) / seconds / 1e6, "M/s");
}

void give_way_alone(double work) {
  const auto count = std::max<std::size_t>(static_cast<std::size_t>(50'000 * work), 100);
  print("giving way, nobody waits", 0, least_seconds(count, [] { ::sched_yield(); }) * 1e9, "ns");
}

/// Two processes on one processor that do nothing but give way to each other: each call is a switch to the other.
void switch_processes(double work) {
  const auto count = std::max<std::size_t>(static_cast<std::size_t>(20'000 * work), 100);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    while (::getppid() == parent) ::sched_yield();
    std::_Exit(0);
  }
  print("switch to another process", 0, least_seconds(count, [] { ::sched_yield(); }) / 2 * 1e9, "ns");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
  double work = 1;
  if (argc == 3 && std::strcmp(argv[1], "--work") == 0) {
    work = std::strtod(argv[2], nullptr);
  } else if (argc != 1) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (!(work > 0)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const auto all = processors();
  if (all.size() > 1) {
    hand_over(work, all[0], all[1]);
    lines_in_a_row(work, all[0], all[1]);
    copy_across(work, all[0], all[1]);
  }
  stay_on(all[0]);
  copy(work);
  give_way_alone(work);
  switch_processes(work);
  return 0;
}
