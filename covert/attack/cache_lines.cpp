// Class 3: Flush+Reload (Yarom and Falkner 2014). A line of a shared page is fast if somebody has just read it.
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include <algorithm>
#include <cstdint>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "covert/attack/upward.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

constexpr std::size_t kLine = 2048;  // far from what is read ahead with the page's start
constexpr int kRounds = 200;         // in a symbol
constexpr auto kGap = microseconds(2);

/// Reads one place of memory, whatever the optimizer thinks of it.
void touch(const std::byte* place) { static_cast<void>(*const_cast<const volatile std::byte*>(place)); }  // NOLINT

#if defined(__x86_64__)
/// Cycles that reading a line takes.
double reload(const std::byte* place) {
  unsigned processor = 0;
  _mm_mfence();
  const std::uint64_t begin = __rdtscp(&processor);
  touch(place);
  const std::uint64_t end = __rdtscp(&processor);
  return static_cast<double>(end - begin);
}
void flush(const std::byte* place) { _mm_clflush(place); }
constexpr char kLacking[] = "";
#else
double reload(const std::byte*) { return 0; }
void flush(const std::byte*) {}
constexpr char kLacking[] = "no instruction to flush a line on this processor";
#endif

/// Both bits keep the sender's processor busy, so that the line is all that differs.
class Reload : public Attack {
 public:
  std::string prepare() override { return *kLacking != '\0' ? kLacking : find(); }

  void send(bool bit, Time until) override {
    const std::byte own[kLine + 1]{};
    const std::byte* line = (bit ? place() : own) + kLine;
    while (Clock::now() < until) touch(line);
  }

  void observe(Time until, std::vector<double>& seen) override {
    std::vector<double> cycles;
    const std::byte* line = place() + kLine;
    while (Clock::now() < until && cycles.size() < kRounds) {
      flush(line);
      const Time next = Clock::now() + kGap;
      while (Clock::now() < next) {
      }
      cycles.push_back(reload(line));
    }
    std::sort(cycles.begin(), cycles.end());
    for (const std::size_t part : {1UL, 2UL, 5UL, 8UL}) {
      seen.push_back(cycles.empty() ? 0 : cycles[cycles.size() * part / 10]);
    }
    sleep_until(until);
  }

 protected:
  virtual std::string find() = 0;
  virtual const std::byte* place() = 0;
};

class ReloadFile : public Reload {
 public:
  explicit ReloadFile(std::string path) : path_(std::move(path)) {}

 protected:
  std::string find() override { return page_.map(path_); }
  const std::byte* place() override { return page_.bytes(); }

 private:
  std::string path_;
  MappedPage page_;
};

class ReloadRing : public Reload {
 public:
  explicit ReloadRing(Upward* upward) : upward_(upward) {}

 protected:
  std::string find() override { return ""; }
  const std::byte* place() override { return upward_->memory(); }

 private:
  Upward* upward_;
};

}  // namespace

std::vector<Means> cache_line_means() {
  constexpr microseconds kSlot{2000};
  return {
      {3, "reload_system_file", "sender reads a line of a file below /usr or not; receiver flushes and times it",
       "one page cache, one last-level cache", Kind::timing, kSlot, false,
       [](const Place&) -> std::unique_ptr<Attack> { return std::make_unique<ReloadFile>(kSystemFile); }},
      {3, "reload_shared_file", "the same with a file that the policy grants to both for reading", "such a grant",
       Kind::timing, kSlot, false,
       [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<ReloadFile>(place.shared); }},
      {3, "reload_ring", "the same with each side's own end of the flow's memory", "one memory for both ends",
       Kind::timing, kSlot, true,
       [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<ReloadRing>(place.upward); }},
  };
}

}  // namespace sluice::covert
