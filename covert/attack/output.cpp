// Class 7: what a subject's own output and signals tell of another's. The ends of ranks and runs can be shown but once
// in a run; tests/trace compares what the low side sees of them.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

/// High writes much to its standard output; low sees how its own takes a line. In the control both write to one pipe
/// that nobody else reads, as programs of one job write to one terminal.
class Pressure : public Attack {
 public:
  explicit Pressure(const Place& place) : place_(place) {}

  std::string prepare() override {
    if (!place_.open) return {};
    const std::string path = place_.common + "/output";
    if (::mkfifo(path.c_str(), 0666) != 0 && errno != EEXIST) return refusal("mkfifo");
    pipe_.reset(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    return pipe_ ? std::string() : refusal("open of a named pipe");
  }

  void send(bool bit, Time until) override {
    static const std::array<char, 4096> kText = text();
    for (int i = 0; bit && i < kBlocks && Clock::now() < until; ++i) {
      if (!is_ready()) break;
      static_cast<void>(!::write(output(), kText.data(), kText.size()));
    }
    sleep_until(until);
    std::array<char, 65536> block{};
    while (place_.open && ::read(pipe_.get(), block.data(), block.size()) > 0) {
    }
  }

  void observe(Time until, std::vector<double>& seen) override {
    const bool ready = is_ready();
    const Time begin = Clock::now();
    if (ready) static_cast<void>(!::write(output(), ".\n", 2));
    const double taken = microseconds_since(begin);
    sleep_until(until);
    seen.insert(seen.end(), {ready ? 1.0 : 0.0, is_ready() ? 1.0 : 0.0, taken});
  }

 private:
  static constexpr int kBlocks = 64;

  static std::array<char, 4096> text() {
    std::array<char, 4096> lines{};
    for (std::size_t i = 0; i < lines.size(); ++i) lines[i] = i % 64 == 63 ? '\n' : 'x';
    return lines;
  }
  [[nodiscard]] int output() const { return place_.open ? pipe_.get() : STDOUT_FILENO; }
  [[nodiscard]] bool is_ready() const {
    pollfd polled{output(), POLLOUT, 0};
    return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLOUT) != 0;
  }

  Place place_;
  Fd pipe_;
};

std::atomic<int> signals_seen{0};

void count_signal(int) { signals_seen.fetch_add(1, std::memory_order_relaxed); }

/// High sends a signal that nobody minds to whomever it can name; low counts. In the control low says who it is.
class Signals : public Attack {
 public:
  explicit Signals(const Place& place) : place_(place) {}

  std::string prepare() override {
    if (place_.role == Role::high) return {};
    struct sigaction action {};
    action.sa_handler = count_signal;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGURG, &action, nullptr);
    if (place_.open) std::ofstream(place_.common + "/low.pid") << ::getpid() << std::flush;
    return {};
  }

  void send(bool bit, Time until) override {
    if (bit) send_all();
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    sleep_until(until);
    seen.push_back(signals_seen.exchange(0, std::memory_order_relaxed));
  }

 private:
  static constexpr pid_t kMostProcesses = 300;

  void send_all() {
    pid_t low = 0;
    if (place_.open) {
      std::ifstream(place_.common + "/low.pid") >> low;
      if (low > 0) ::kill(low, SIGURG);
      return;
    }
    ::kill(-1, SIGURG);
    for (pid_t process = 1; process <= kMostProcesses; ++process) ::kill(process, SIGURG);
  }

  Place place_;
};

}  // namespace

std::vector<Means> output_means() {
  return {
      {7, "output_pressure", "sender floods its standard output; receiver sees how its own takes a line",
       "one sink for both, or one that waits", Kind::timing, microseconds(10000), false,
       [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<Pressure>(place); }},
      {7, "signals", "sender signals whomever it can name; receiver counts", "one pid namespace", Kind::storage,
       microseconds(2000), false,
       [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<Signals>(place); }},
  };
}

}  // namespace sluice::covert
