// Class 2: a futex is its page, whoever maps it and however. Waking tells how many waited.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "covert/attack/upward.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr microseconds kBetweenLooks{200};
constexpr int kEverybody = 1000;

class Futex : public Attack {
 public:
  explicit Futex(std::string path) : path_(std::move(path)) {}

  std::string prepare() override {
    if (std::string problem = page_.map(path_); !problem.empty()) return problem;
    return wake() < 0 ? refusal("futex") : "";
  }

  void send(bool bit, Time until) override {
    for (Time now = Clock::now(); bit && now < until; now = Clock::now()) {
      const auto left = std::chrono::duration_cast<nanoseconds>(until - now).count();
      const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
      if (::syscall(SYS_futex, page_.bytes(), FUTEX_WAIT, value(), &timeout, nullptr, 0) != 0 && errno != ETIMEDOUT) {
        break;
      }
    }
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    long woken = 0;
    while (Clock::now() < until) {
      woken += wake();
      sleep_until(Clock::now() + kBetweenLooks);
    }
    seen.push_back(static_cast<double>(woken));
  }

 private:
  long wake() { return ::syscall(SYS_futex, page_.bytes(), FUTEX_WAKE, kEverybody, nullptr, nullptr, 0); }
  std::uint32_t value() { return *reinterpret_cast<const volatile std::uint32_t*>(page_.bytes()); }

  std::string path_;
  MappedPage page_;
};

}  // namespace

std::vector<Means> futex_means() {
  constexpr microseconds kSlot{2000};
  return {
      {2, "futex_system_file", "sender waits on a page of a file below /usr; receiver wakes, and counts whom",
       "one page cache", Kind::storage, kSlot, false,
       [](const Place&) -> std::unique_ptr<Attack> { return std::make_unique<Futex>(kSystemFile); }},
      {2, "futex_shared_file", "the same with a file that the policy grants to both for reading", "such a grant",
       Kind::storage, kSlot, false,
       [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<Futex>(place.shared); }},
      {2, "futex_ring", "the same with each side's own end of the flow's memory", "one inode for both ends",
       Kind::storage, kSlot, true,
       [](const Place& place) -> std::unique_ptr<Attack> {
         // The memory has no name: by the descriptor that the guard gave.
         return std::make_unique<Futex>("/proc/self/fd/" + std::to_string(place.upward->descriptor()));
       }},
  };
}

}  // namespace sluice::covert
