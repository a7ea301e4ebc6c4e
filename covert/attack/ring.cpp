// Class 1: what a sender sees of its receiver in ring, return codes, credit and the time that sending takes.
//
// The low role sends upwards all the time, without the library. The high role takes what comes, or does not.
#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "covert/attack/upward.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

constexpr int kPieces = 16;         // in a burst
constexpr int kBursts = 8;          // in a symbol: a receiver that does not drain must not be ended for it
constexpr microseconds kLook{100};  // between two looks of an idle receiver
constexpr microseconds kBetweenBursts{200};

/// What the high role does with its processor for bit 0 and for bit 1.
enum class Behaviour : std::uint8_t {
  sleep_or_drain,  ///< sleeps, and takes what comes
  spin_or_sleep,   ///< both take what comes, at the end; bit 1 keeps a processor busy until then
  hoard_or_drain,  ///< both keep a processor busy; bit 1 gives memory back at once
};

class Ring : public Attack {
 public:
  Ring(const Place& place, Behaviour behaviour) : place_(place), behaviour_(behaviour) {}

  std::string prepare() override { return place_.upward == nullptr ? "no flow" : ""; }

  void send(bool bit, Time until) override {
    // In the control a spinning receiver takes what comes, as two programs with a pipe between them would.
    const bool drains = bit && (behaviour_ != Behaviour::spin_or_sleep || place_.open);
    const bool spins = behaviour_ == Behaviour::hoard_or_drain || (bit && behaviour_ == Behaviour::spin_or_sleep);
    while (Clock::now() < until) {
      const bool idle = !drains || place_.upward->drain() == 0;
      if (!spins && idle) sleep_until(drains ? Clock::now() + kLook : until);
    }
    if (behaviour_ == Behaviour::spin_or_sleep) place_.upward->drain();
  }

 protected:
  // NOLINTNEXTLINE(cppcoreguidelines-non-private-member-variables-in-classes)
  Place place_;

 private:
  Behaviour behaviour_;
};

/// What stays: what has been taken of the ring, the flag beside it, and whether sending was refused.
class State : public Ring {
 public:
  using Ring::Ring;

  void observe(Time until, std::vector<double>& seen) override {
    double refused = 0;
    for (int i = 0; i < kPieces; ++i) refused += place_.upward->put(1024) ? 0 : 1;
    sleep_until(until);
    seen.push_back(static_cast<double>(place_.upward->backlog()));
    seen.push_back(place_.upward->flag() ? 1 : 0);
    seen.push_back(refused);
  }
};

/// What passes: how long bursts take until they are gone from the ring.
class Latency : public Ring {
 public:
  using Ring::Ring;

  void observe(Time until, std::vector<double>& seen) override {
    std::vector<double> times;
    for (int burst = 0; burst < kBursts && Clock::now() < until; ++burst) {
      const Time begin = Clock::now();
      for (int i = 0; i < kPieces; ++i) place_.upward->put(Upward::kMostBytes);
      while (place_.upward->backlog() != 0 && Clock::now() < until) {
      }
      times.push_back(microseconds_since(begin));
      sleep_until(Clock::now() + kBetweenBursts);
    }
    double sum = 0;
    double least = times.empty() ? 0 : times.front();
    for (const double time : times) {
      sum += time;
      least = std::min(least, time);
    }
    seen.insert(seen.end(), {median(times), sum / static_cast<double>(std::max<std::size_t>(times.size(), 1)), least,
                             static_cast<double>(times.size())});
    sleep_until(until);
  }
};

template <typename Observer, Behaviour behaviour>
std::unique_ptr<Attack> make(const Place& place) {
  return std::make_unique<Observer>(place, behaviour);
}

}  // namespace

std::vector<Means> ring_means() {
  static constexpr char kNeeds[] = "a flow from low to high whose state depends on its reader";
  return {
      {1, "ring_state", "receiver drains or sleeps; sender reads what is taken, the doorbell flag and refused sends",
       kNeeds, Kind::storage, microseconds(5000), true, make<State, Behaviour::sleep_or_drain>},
      {1, "send_latency_drain", "receiver gives memory back or hoards it; sender times bursts", kNeeds, Kind::timing,
       microseconds(20000), true, make<Latency, Behaviour::hoard_or_drain>},
      {1, "send_latency_spin", "receiver spins or sleeps; sender times bursts", "a flow, and too few processors",
       Kind::timing, microseconds(20000), true, make<Latency, Behaviour::spin_or_sleep>},
  };
}

}  // namespace sluice::covert
