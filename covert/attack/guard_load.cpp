// Classes 8 and 9: what one subject's traffic with the guard does to another's.
//
// Low sends upwards and looks at its own ring, as in class 1. High keeps the guard busy with its own.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "covert/attack/upward.hpp"
#include "trusted/base/fd.hpp"
#include "wire/greeting.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

constexpr int kPieces = 8;   // that low sends in a burst
constexpr int kBursts = 12;  // in a symbol
constexpr int kFlood = 400;  // pieces that high sends for bit 1, at most: its queue must hold them
constexpr microseconds kBetweenBursts{200};
constexpr int kHangUp = 1000;  // milliseconds

/// How long a burst takes until the ring is empty again, and what the ring looks like in the end.
class Loaded : public Attack {
 public:
  explicit Loaded(const Place& place) : place_(place) {}

  std::string prepare() override { return place_.upward == nullptr ? "no flow" : ""; }

  void send(bool bit, Time until) override {
    if (bit) load(until);
    sleep_until(until);
    place_.upward->drain();
  }

  void observe(Time until, std::vector<double>& seen) override {
    std::vector<double> times;
    const Time stop = until - (until - Clock::now()) / 5;
    for (int burst = 0; burst < kBursts && Clock::now() < stop; ++burst) {
      const Time begin = Clock::now();
      for (int i = 0; i < kPieces; ++i) place_.upward->put(1024);
      while (place_.upward->backlog() != 0 && Clock::now() < stop) {
      }
      times.push_back(microseconds_since(begin));
      sleep_until(Clock::now() + kBetweenBursts);
    }
    sleep_until(until);
    const double least = times.empty() ? 0 : *std::min_element(times.begin(), times.end());
    seen.insert(seen.end(), {median(times), least, static_cast<double>(times.size()),
                             static_cast<double>(place_.upward->backlog()), place_.upward->flag() ? 1.0 : 0.0});
  }

 protected:
  virtual void load(Time until) = 0;
  [[nodiscard]] const Place& place() const { return place_; }

 private:
  Place place_;
};

/// High sends as much as it may to a third subject.
class Flood : public Loaded {
 public:
  using Loaded::Loaded;

 protected:
  void load(Time until) override {
    for (int i = 0; i < kFlood && Clock::now() < until; ++i) {
      while (!place().upward->put(Upward::kMostBytes) && Clock::now() < until) {
      }
    }
  }
};

/// High connects to the guard and leaves again, as fast as it can. In the control it floods the pipe: there is no
/// guard.
class Connections : public Flood {
 public:
  using Flood::Flood;

 protected:
  void load(Time until) override {
    if (place().open) return Flood::load(until);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, wire::kGuardSocketPath, sizeof wire::kGuardSocketPath);
    while (Clock::now() < until) {
      const Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
      if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) break;
      // Until the guard has hung up as well: it ends subjects that keep many connections open.
      ::shutdown(socket.get(), SHUT_WR);
      pollfd polled{socket.get(), POLLIN, 0};
      if (::poll(&polled, 1, kHangUp) != 1) break;
    }
  }
};

/// High sends small messages and changes tag and payload behind the guard's back while it reads them: what is allowed
/// to stand there, so that the guard goes on reading. In the control high writes into what low reads.
class Headers : public Attack {
 public:
  explicit Headers(const Place& place) : place_(place) {}

  std::string prepare() override { return place_.upward == nullptr ? "no flow" : ""; }

  void send(bool bit, Time until) override {
    while (bit && Clock::now() < until) {
      place_.upward->put(64);
      place_.upward->spoil();
    }
    sleep_until(until);
    if (place_.open) place_.upward->drain();
  }

  void observe(Time until, std::vector<double>& seen) override {
    place_.upward->put(64);
    sleep_until(until);
    // The guard's page beside the ring, but for what it says of the ring: that tells of processors, and is class 1's.
    const auto* words = reinterpret_cast<const volatile std::uint32_t*>(place_.upward->memory());
    double sum = 0;
    for (std::size_t i = 32; i < 1024; ++i) sum += words[i];
    seen.push_back(sum);
  }

 private:
  Place place_;
};

template <typename Load>
std::unique_ptr<Attack> make(const Place& place) {
  return std::make_unique<Load>(place);
}

}  // namespace

std::vector<Means> guard_load_means() {
  return {
      {8, "guard_flood", "sender floods a flow of its own; receiver times its sends", "one guard thread, or processor",
       Kind::timing, microseconds(20000), true, make<Flood>, true},
      {8, "guard_connections", "sender connects to the guard and leaves, again and again; receiver times its sends",
       "the same", Kind::timing, microseconds(20000), true, make<Connections>},
      {9, "changing_headers", "sender changes headers that the guard reads; receiver looks at its ring",
       "a guard that reads twice", Kind::storage, microseconds(5000), true, make<Headers>, true},
  };
}

}  // namespace sluice::covert
