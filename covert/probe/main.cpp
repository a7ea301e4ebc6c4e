// sluice-covert-probe: one role of every attack, inside a sandbox or, for the positive control, outside of any.
//
//   sluice-covert-probe low|high OWN COMMON|- TOKEN SEED FLOW BASE ITEM...
//
// OWN: folder to write to; COMMON: folder shared with the other role, and with it the positive control; SEED: of the
// secret, 0 for the low role; FLOW: 1 if there is a flow from low to high; BASE: when the first item starts, in
// nanoseconds since the epoch; ITEM: see schedule.hpp. Exit codes: 0 done, 2 wrong usage, 3 too late for BASE.
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
constexpr int kArguments = 8;

struct Prepared {
  Item item;
  std::unique_ptr<Attack> attack;
};

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

/// Prepares every item and writes down which could be.
std::vector<Prepared> prepare_all(const Place& place, const std::vector<Item>& items) {
  std::vector<Prepared> all;
  std::ofstream ready(place.own + "/" + kReadyFile);
  for (const Item& item : items) {
    Prepared one{item, item.means->make(place)};
    const std::string reason = one.attack->prepare();
    ready << item.means->name << " " << (reason.empty() ? "-" : reason) << "\n";
    if (!reason.empty()) one.attack.reset();
    all.push_back(std::move(one));
  }
  return all;
}

int play(const Place& place, const std::vector<Item>& items, std::uint64_t seed, Time base) {
  std::vector<Prepared> all = prepare_all(place, items);
  if (duration(items) == microseconds(0)) return kDone;
  if (Clock::now() > base) {
    std::ofstream(place.own + "/" + kReadyFile, std::ios::app) << kLate << " -\n";
    return kTooLate;
  }
  for (Prepared& one : all) {
    if (one.item.symbols == 0) continue;
    const Time end = base + duration({one.item});
    if (one.attack == nullptr) {
      // The other role goes on without it.
    } else if (place.role == Role::high) {
      send_all(*one.attack, one.item, seed, base);
      if (place.upward != nullptr) place.upward->drain();
    } else {
      const Observations seen = observe_all(*one.attack, one.item, base);
      if (!append(place.own + "/" + kObservedFile, one.item.means->name, seen)) return kUsage;
    }
    base = end;
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
  const bool low = argc >= kArguments && std::strcmp(argv[1], "low") == 0;
  if (argc < kArguments || (!low && std::strcmp(argv[1], "high") != 0)) {
    std::fprintf(stderr, "usage: %s low|high OWN COMMON|- TOKEN SEED FLOW BASE ITEM...\n", argv[0]);
    return kUsage;
  }
  ::prctl(PR_SET_TIMERSLACK, 1);
  Place place;
  place.role = low ? Role::low : Role::high;
  place.own = argv[2];
  place.open = std::strcmp(argv[3], "-") != 0;
  place.common = place.open ? argv[3] : "";
  place.token = argv[4];
  std::unique_ptr<Upward> upward;
  if (std::strcmp(argv[6], "1") == 0) {
    upward = place.open ? through_pipe(place.common) : through_guard(place.role);
    if (const std::string problem = upward->open(); !problem.empty()) {
      std::fprintf(stderr, "covert probe: %s\n", problem.c_str());
      return kUsage;
    }
    place.upward = upward.get();
  }
  const Time base{std::chrono::duration_cast<Clock::duration>(nanoseconds(std::strtoll(argv[7], nullptr, 10)))};
  return play(place, items, std::strtoull(argv[5], nullptr, 10), base);
}
