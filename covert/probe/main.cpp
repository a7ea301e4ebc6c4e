// sluice-covert-probe: one role of every attack, inside a sandbox or, for the positive control, outside of any.
//
//   sluice-covert-probe low|high|sink OWN COMMON|- SHARED TOKEN SEED FLOW BASE ITEM...
//
// sink: a third subject that takes everything; OWN: folder to write to; COMMON: folder shared with the other role, and
// with it the positive control; SHARED: file that both may read; SEED: of the secret, 0 for the low role; FLOW: 1 if
// there is a flow from low to high; BASE: when the first item starts, in nanoseconds since the epoch; ITEM: see
// schedule.hpp. Exit codes: 0 done, 2 wrong usage, 3 too late for BASE.
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "covert/attack/tools.hpp"
#include "covert/attack/upward.hpp"
#include "covert/probe/record.hpp"
#include "covert/probe/schedule.hpp"

namespace {

using namespace sluice::covert;  // NOLINT(google-build-using-namespace)
using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr int kDone = 0;
constexpr int kUsage = 2;
constexpr int kTooLate = 3;
constexpr int kArguments = 9;
constexpr std::chrono::milliseconds kNap{1};

/// The sender shows its bit in the first nine tenths of a slot, the receiver looks from the third to the eighth.
void send_all(Attack& attack, const Item& item, std::uint64_t seed, Time start) {
  for (const bool bit : secret_bits(seed, item)) {
    sleep_until(start);
    attack.send(bit, start + item.slot * 9 / 10);
    start += item.slot;
  }
}

Observations observe_all(Attack& attack, const Item& item, Time start) {
  Observations observations;
  for (std::size_t i = 0; i < item.symbols; ++i) {
    sleep_until(start + item.slot * 3 / 10);
    attack.observe(start + item.slot * 8 / 10, observations.values);
    start += item.slot;
  }
  observations.columns = item.symbols == 0 ? 0 : observations.values.size() / item.symbols;
  return observations;
}

/// The attack of an item, or null if it cannot be had; then `reason` says why.
std::unique_ptr<Attack> prepared(const Place& place, const Item& item, std::string& reason) {
  std::unique_ptr<Attack> attack = item.means->make(place);
  reason = attack->prepare();
  if (!reason.empty()) attack.reset();
  return attack;
}

/// Writes down which items can be prepared.
void look(const Place& place, const std::vector<Item>& items) {
  std::ofstream ready(place.own + "/" + kReadyFile);
  for (const Item& item : items) {
    std::string reason;
    static_cast<void>(prepared(place, item, reason));
    ready << item.means->name << " " << (reason.empty() ? "-" : reason) << "\n";
  }
}

int take_all(Upward* upward, Time end) {
  while (upward != nullptr && Clock::now() < end) {
    if (upward->drain() == 0) sleep_until(Clock::now() + kNap);
  }
  return kDone;
}

int play(const Place& place, const std::vector<Item>& items, std::uint64_t seed, Time base) {
  look(place, items);
  if (duration(items) == microseconds(0)) return kDone;
  if (Clock::now() > base) {
    std::ofstream(place.own + "/" + kReadyFile, std::ios::app) << kLate << " -\n";
    return kTooLate;
  }
  for (const Item& item : items) {
    if (item.symbols == 0) continue;
    sleep_until(base);
    const Time start = base + kPause;
    base += duration({item});
    // Only now, and only for as long as it takes: what one means maps or opens would show in another.
    std::string reason;
    const std::unique_ptr<Attack> attack = prepared(place, item, reason);
    if (attack == nullptr) continue;  // the other role goes on without it
    if (place.role == Role::high) {
      send_all(*attack, item, seed, start);
      if (place.upward != nullptr) place.upward->drain();
    } else if (!append(place.own + "/" + kObservedFile, item.means->name, observe_all(*attack, item, start))) {
      return kUsage;
    }
    std::ofstream(place.own + "/" + kDoneFile, std::ios::app) << item.means->name << " -\n";
  }
  // Neither role's end may show in the other's last symbols.
  sleep_until(base);
  return kDone;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Item> items;
  for (int i = kArguments; i < argc; ++i) {
    const auto item = parse_item(argv[i]);
    if (!item) return kUsage;
    items.push_back(*item);
  }
  const std::string role = argc < kArguments ? "" : argv[1];
  if (role != "low" && role != "high" && role != "sink") {
    std::fprintf(stderr, "usage: %s low|high|sink OWN COMMON|- SHARED TOKEN SEED FLOW BASE ITEM...\n", argv[0]);
    return kUsage;
  }
  ::prctl(PR_SET_TIMERSLACK, 1);
  Place place;
  place.role = role == "low" ? Role::low : Role::high;
  place.own = argv[2];
  place.open = std::strcmp(argv[3], "-") != 0;
  place.common = place.open ? argv[3] : "";
  place.shared = argv[4];
  place.token = argv[5];
  std::unique_ptr<Upward> upward;
  if (std::strcmp(argv[7], "1") == 0) {
    upward = place.open ? through_pipe(place.role, place.common) : through_guard(place.role);
    if (const std::string problem = upward->open(); !problem.empty()) {
      std::fprintf(stderr, "covert probe: %s\n", problem.c_str());
      return kUsage;
    }
    place.upward = upward.get();
  }
  const Time base{std::chrono::duration_cast<Clock::duration>(nanoseconds(std::strtoll(argv[8], nullptr, 10)))};
  if (role == "sink") return take_all(upward.get(), base + duration(items));
  return play(place, items, std::strtoull(argv[6], nullptr, 10), base);
}
