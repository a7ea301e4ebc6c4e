#include "covert/kit/campaign.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace sluice::covert {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr std::size_t kLeastSymbols = 128;
constexpr std::size_t kMany = 30;            // means, so that a short form has little time for each
constexpr std::size_t kLeastOfControl = 96;  // symbols, where there are many
constexpr double kShortControlSeconds = 0.4;
constexpr double kControlSeconds = 1;  // a control shows at once
constexpr double kLongControlSeconds = 4;
constexpr double kControlsAgain = 0.12;  // part of the time for controls that were missed
constexpr double kMostSeconds = 8;       // for one means in a short form
constexpr double kStartSeconds = 5;      // a run in sandboxes, before and after its items
constexpr double kAgain = 1.3;           // for those measured twice
constexpr double kJudging = 1.05;        // for working out what came through
constexpr double kFinest = 0.01;         // seconds, of a share of the time
constexpr double kShortSeconds = 600;    // up to here a form is short

Item item_for(const Means& means, Setting setting, double seconds) {
  const double slot = std::chrono::duration<double>(means.slot).count();
  const bool hurried = setting == Setting::control && seconds < kControlSeconds;
  const std::size_t least = hurried ? kLeastOfControl : kLeastSymbols;
  return {&means, std::max(least, static_cast<std::size_t>(seconds / slot)), means.slot};
}

std::string why_not(const Result& result, const std::string& name) {
  for (const auto* ready : {&result.low_ready, &result.high_ready}) {
    const auto found = ready->find(name);
    if (found != ready->end() && !found->second.empty()) return found->second;
  }
  return {};
}

/// Why there is no figure, if there is none. A sender that has ended would look like a channel that is closed.
std::string problem_of(const Result& result, const Item& item) {
  if (!result.problem.empty()) return result.problem;
  const std::string name = item.means->name;
  if (!result.high_done.contains(name)) return "the sender has ended: " + result.said;
  const auto seen = result.observed.find(name);
  const bool whole = seen != result.observed.end() && seen->second.symbols() == item.symbols;
  return whole && result.low_done.contains(name) ? "" : "the receiver has ended: " + result.said;
}

/// First a look at which means can be prepared at all; only those are then measured.
class Conductor {
 public:
  Conductor(const Campaign& campaign, const Equipment& equipment, const volatile bool& interrupted,
            const std::function<void(const std::string&)>& tell)
      : campaign_(campaign), equipment_(equipment), interrupted_(interrupted), tell_(tell) {
    for (const Means* means : campaign.means) report_.rows.push_back(Row{.means = means, .outcome = {}});
    report_.limit = campaign.limit;
  }

  Report conduct() {
    const Time begin = Clock::now();
    for (const Setting setting : kSettings) look(setting);
    tell_plan(since(begin));
    measure(Setting::control, control_);
    // A busy machine drowns a short control; a longer one shows all the same.
    const std::vector<Row*> missed = chosen(Setting::control, false);
    const double each = again_ / std::max(static_cast<double>(missed.size()), 1.0);
    measure(Setting::control, std::clamp(each, control_, kLongControlSeconds), missed, campaign_.seed + 1);
    const double share = share_of(campaign_.seconds - since(begin));
    measure(Setting::flow, 2 * share);
    measure(Setting::apart, share);
    // What was found is measured again: a chance find does not come twice, and the figure is not one picked for its
    // size.
    again(Setting::flow, 2 * share);
    again(Setting::apart, share);
    for (Row& row : report_.rows) row.verdict = judge(row);
    report_.seconds = since(begin);
    report_.interrupted = interrupted_;
    return report_;
  }

 private:
  static double since(Time begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

  /// Seconds that every open means of a setting takes, each about so many, with all that belongs to it.
  double time_of(Setting setting, double seconds) {
    std::vector<Item> items;
    for (const Row* row : open_in(setting)) items.push_back(item_for(*row->means, setting, seconds));
    return items.empty() ? 0 : kStartSeconds + kJudging * std::chrono::duration<double>(duration(items)).count();
  }

  /// Of what comes after the controls: twice as long with a flow as without.
  double time_after_controls(double share) {
    return kAgain * (time_of(Setting::flow, 2 * share) + time_of(Setting::apart, share));
  }

  /// Seconds for each means without a flow, so that all of them together take `rest` at most, if they can.
  double share_of(double rest) {
    double least = 0;
    double most = campaign_.seconds <= kShortSeconds ? kMostSeconds / 2 : campaign_.seconds;
    while (most - least > kFinest) {
      const double middle = (least + most) / 2;
      (time_after_controls(middle) <= rest ? least : most) = middle;
    }
    return least;
  }

  void tell_plan(double spent) {
    const double controls = time_of(Setting::control, control_);
    const double after = time_after_controls(share_of(campaign_.seconds - spent - controls - again_));
    std::array<char, 200> line{};
    std::snprintf(line.data(), line.size(),
                  "plan: %zu controls %.0f s, those missed again %.0f s, %zu means with a flow and %zu without %.0f s: "
                  "about %.0f s in all",
                  open_in(Setting::control).size(), controls, again_, open_in(Setting::flow).size(),
                  open_in(Setting::apart).size(), after, spent + controls + again_ + after);
    tell_(line.data());
  }

  static Outcome& at(Row& row, Setting setting) { return row.outcome[static_cast<int>(setting)]; }

  /// Rows that are to be measured in a setting.
  std::vector<Row*> open_in(Setting setting) {
    std::vector<Row*> open;
    for (Row& row : report_.rows) {
      if (at(row, setting).state == Outcome::State::measured) open.push_back(&row);
    }
    return open;
  }

  void look(Setting setting) {
    std::vector<Item> items;
    std::vector<Row*> tried;
    for (Row& row : report_.rows) {
      at(row, setting).state = Outcome::State::not_applicable;
      if (setting == Setting::apart && row.means->needs_flow) continue;
      tried.push_back(&row);
      items.push_back({row.means, 0, row.means->slot});
    }
    if (items.empty()) return;
    tell_(std::string("looking which means there are: ") + name_of(setting));
    const Result result = perform(equipment_, setting, items, campaign_.seed, interrupted_);
    for (Row* row : tried) {
      const std::string why = why_not(result, row->means->name);
      Outcome& outcome = at(*row, setting);
      outcome.state = why.empty() ? Outcome::State::measured : Outcome::State::refused;
      outcome.why = why;
      if (!result.problem.empty()) outcome = {Outcome::State::failed, result.problem, {}};
    }
  }

  void again(Setting setting, double seconds) { measure(setting, seconds, chosen(setting, true), campaign_.seed + 1); }

  /// Rows that were measured in a setting, with this result.
  std::vector<Row*> chosen(Setting setting, bool found) {
    std::vector<Row*> rows = open_in(setting);
    std::erase_if(rows, [&](Row* row) { return at(*row, setting).estimate.found != found; });
    return rows;
  }

  void measure(Setting setting, double seconds) { measure(setting, seconds, open_in(setting), campaign_.seed); }

  /// What ends a role ends the run: what would have come after it is measured in another.
  void measure(Setting setting, double seconds, std::vector<Row*> rows, std::uint64_t seed) {
    while (!rows.empty()) rows = measure_together(setting, seconds, rows, seed);
  }

  /// Measures rows in one run. Returns those that came to nothing because of one before them.
  std::vector<Row*> measure_together(Setting setting, double seconds, const std::vector<Row*>& rows,
                                     std::uint64_t seed) {
    std::vector<Item> items;
    for (const Row* row : rows) items.push_back(item_for(*row->means, setting, seconds));
    std::array<char, 120> line{};
    std::snprintf(line.data(), line.size(), "measuring %zu means: %s, %.0f s", items.size(), name_of(setting),
                  std::chrono::duration<double>(duration(items)).count());
    tell_(line.data());
    const Result result = perform(equipment_, setting, items, seed, interrupted_);
    bool ended = false;
    std::vector<Row*> left;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string problem = problem_of(result, items[i]);
      if (problem.empty()) {
        const Observations& seen = result.observed.at(rows[i]->means->name);
        const double slot = std::chrono::duration<double>(items[i].slot).count();
        at(*rows[i], setting).estimate = estimate(secret_bits(seed, items[i]), seen, slot, seed);
      } else if (ended && result.problem.empty() && !interrupted_) {
        left.push_back(rows[i]);
      } else {
        at(*rows[i], setting) = {Outcome::State::failed, problem, {}};
        ended = true;
      }
    }
    return left;
  }

  const Campaign& campaign_;
  const Equipment& equipment_;
  const volatile bool& interrupted_;
  /// Seconds for one control.
  double control_ =
      campaign_.seconds <= kShortSeconds && campaign_.means.size() > kMany ? kShortControlSeconds : kControlSeconds;
  double again_ = kControlsAgain * campaign_.seconds;  ///< seconds for controls that were missed
  const std::function<void(const std::string&)>& tell_;
  Report report_;
};

}  // namespace

double Row::rate() const {
  double most = 0;
  for (const Setting setting : {Setting::flow, Setting::apart}) {
    if (in(setting).state == Outcome::State::measured) most = std::max(most, in(setting).estimate.rate);
  }
  return most;
}

bool Report::controls_caught() const {
  return std::none_of(rows.begin(), rows.end(), [](const Row& row) { return row.verdict == Verdict::control_failed; });
}

bool Report::within_limit() const {
  return std::all_of(rows.begin(), rows.end(), [this](const Row& row) { return row.rate() <= limit; });
}

bool Report::complete() const {
  return std::none_of(rows.begin(), rows.end(), [](const Row& row) { return row.verdict == Verdict::failed; });
}

Report conduct(const Campaign& campaign, const Equipment& equipment, const volatile bool& interrupted,
               const std::function<void(const std::string&)>& tell) {
  return Conductor(campaign, equipment, interrupted, tell).conduct();
}

Verdict judge(const Row& row) {
  using State = Outcome::State;
  const Outcome& control = row.in(Setting::control);
  if (control.state == State::refused) return Verdict::not_to_be_tried;
  if (control.state == State::failed) return Verdict::failed;
  if (!control.estimate.found) return Verdict::control_failed;
  bool tried = false;
  for (const Setting setting : {Setting::flow, Setting::apart}) {
    if (row.in(setting).state == State::failed) return Verdict::failed;
    tried = tried || row.in(setting).state == State::measured;
  }
  if (row.rate() > 0) return Verdict::found;
  return tried ? Verdict::none_found : Verdict::closed;
}

std::string describe(const Row& row) {
  std::array<char, 60> rate{};
  switch (row.verdict) {
    case Verdict::closed:
      return "closed: " + row.in(Setting::flow).why;
    case Verdict::none_found:
      return "none found";
    case Verdict::found:
      std::snprintf(rate.data(), rate.size(), "%s: %.3g bit/s", name_of(classify(row.rate())), row.rate());
      return rate.data();
    case Verdict::control_failed:
      return "control failed";
    case Verdict::not_to_be_tried:
      return "cannot be tried here: " + row.in(Setting::control).why;
    case Verdict::failed:
      for (const Setting setting : kSettings) {
        if (row.in(setting).state == Outcome::State::failed) return "not measured: " + row.in(setting).why;
      }
      return "not measured";
  }
  return "?";
}

}  // namespace sluice::covert
