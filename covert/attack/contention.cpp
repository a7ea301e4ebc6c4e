// Class 15: processors, their caches and their frequency, which no software keeps apart.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <thread>

#include "covert/attack/busy.hpp"
#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;
using Words = std::vector<std::uint64_t>;

constexpr std::size_t kSweptBytes = 8 << 20;    // by the sender: more than the caches of one processor
constexpr std::size_t kWatchedBytes = 1 << 20;  // by the receiver: what they hold
constexpr std::size_t kLine = 64 / sizeof(std::uint64_t);

/// Reads one word of each line.
std::uint64_t sweep(const Words& words) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < words.size(); i += kLine) sum += words[i];
  return sum;
}

/// A chain of multiplications, each of which waits for the one before.
std::uint64_t chain(int length, std::uint64_t value) {
  for (int i = 0; i < length; ++i) value = value * 6364136223846793005ULL + 1442695040888963407ULL;
  return value;
}

/// Keeps the compiler from leaving the work out.
void keep(std::uint64_t value) { asm volatile("" : : "r"(value)); }

/// The low role times the same piece of work over and over.
template <typename Piece>
void time_pieces(Time until, std::vector<double>& seen, Piece piece) {
  std::vector<double> times;
  double longest = 0;
  double sum = 0;
  while (Clock::now() < until) {
    const Time begin = Clock::now();
    piece();
    times.push_back(microseconds_since(begin));
    longest = std::max(longest, times.back());
    sum += times.back();
  }
  seen.insert(seen.end(), {median(times), times.empty() ? 0 : *std::min_element(times.begin(), times.end()), longest,
                           static_cast<double>(times.size()), sum});
}

/// Whether the scheduler gives the low role all the time it wants.
class Processors : public Attack {
 public:
  std::string prepare() override { return {}; }

  void send(bool bit, Time until) override {
    if (bit) on_all_processors(until, [] { keep(chain(1000, 1)); });
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    const rusage before = used();
    time_pieces(until, seen, [] { keep(chain(1000, 1)); });
    seen.push_back(static_cast<double>(used().ru_nivcsw - before.ru_nivcsw));
  }

 private:
  static rusage used() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage;
  }
};

/// Whether what the low role had in the caches is still there after a nap.
class Caches : public Attack {
 public:
  explicit Caches(const Place& place) : words_((place.role == Role::high ? kSweptBytes : kWatchedBytes) / 8, 1) {}

  std::string prepare() override {
    keep(sweep(words_));
    return {};
  }

  void send(bool bit, Time until) override {
    if (bit) on_all_processors(until, [this] { keep(sweep(words_)); });
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    // The first sweep finds what the nap has left, the second one what it brought back itself.
    for (int i = 0; i < 2; ++i) {
      const Time begin = Clock::now();
      keep(sweep(words_));
      seen.push_back(microseconds_since(begin));
    }
    sleep_until(until);
  }

 private:
  Words words_;
};

/// Whether copying to and from main memory is slow.
class MemoryBus : public Attack {
 public:
  MemoryBus() : from_(kBytes / 8, 1), to_(kBytes / 8) {}

  std::string prepare() override { return {}; }

  void send(bool bit, Time until) override {
    if (bit) on_all_processors(until, [this] { keep(sweep(from_)); });
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    time_pieces(until, seen, [this] { copy(from_.size() / 16); });
  }

 private:
  static constexpr std::size_t kBytes = 32 << 20;

  void copy(std::size_t words) {
    // Another part each time: what was copied last is in the caches.
    const std::size_t begin = from_.size() > words ? (next_ += words) % (from_.size() - words) : 0;
    std::copy_n(from_.begin() + static_cast<std::ptrdiff_t>(begin), words,
                to_.begin() + static_cast<std::ptrdiff_t>(begin));
    keep(to_[begin]);
  }

  Words from_;
  Words to_;
  std::size_t next_ = 0;
};

/// Wide arithmetic takes power, and with it frequency, and the ports of a core that is shared. The fastest of many
/// short chains tells of these and not of the scheduler.
class Frequency : public Attack {
 public:
  explicit Frequency(const Place& place) : place_(place) {}

  std::string prepare() override {
    // Where one's own work on the other processors does not show, that of others cannot.
    if (!place_.open || place_.role == Role::high) return {};
    const double idle = fastest(Clock::now() + kTrial);
    std::thread work([end = Clock::now() + 2 * kTrial] { on_all_processors(end, multiply); });
    const double busy = fastest(Clock::now() + 2 * kTrial);
    work.join();
    return busy > 1.02 * idle ? "" : "processors of this host do not slow each other";
  }

  void send(bool bit, Time until) override {
    if (bit) on_all_processors(until, multiply);
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override { seen.push_back(fastest(until)); }

 private:
  static constexpr microseconds kTrial{10000};

  static double fastest(Time until) {
    double least = 1e9;
    while (Clock::now() < until) {
      const Time begin = Clock::now();
      keep(chain(20000, 1));
      least = std::min(least, microseconds_since(begin));
    }
    return least;
  }

  static void multiply() {
    // GCC's vectors: 64 bytes, whatever the processor has.
    typedef double Wide __attribute__((vector_size(64)));  // NOLINT(modernize-use-using)
    Wide a[8] = {};
    for (int i = 0; i < 10000; ++i) {
      for (Wide& one : a) one = one * 1.0000001 + 0.5;
    }
    for (const Wide& one : a) asm volatile("" : : "m"(one));
  }

  Place place_;
};

template <typename Kind>
std::unique_ptr<Attack> made(const Place&) {
  return std::make_unique<Kind>();
}

}  // namespace

std::vector<Means> contention_means() {
  const auto timing = [](const char* name, const char* what, const char* needs, int slot,
                         std::unique_ptr<Attack> (*make)(const Place&)) {
    return Means{15, name, what, needs, Kind::timing, microseconds(slot), false, make};
  };
  return {
      timing("processors", "all processors are busy or not; how long a short computation takes", "shared processors",
             10000, made<Processors>),
      timing("caches", "all caches are swept or not; how long it takes to read what lay there", "shared processors",
             5000, [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<Caches>(place); }),
      timing("memory_bus", "main memory is read on all processors or not; how long it takes to copy some",
             "one main memory", 10000, made<MemoryBus>),
      timing("frequency", "wide arithmetic or none; the fastest of many short computations",
             "processors that share power or a core", 10000,
             [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<Frequency>(place); }),
  };
}

}  // namespace sluice::covert
