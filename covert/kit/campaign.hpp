// All chosen means in all settings, and what comes of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "covert/kit/stage.hpp"
#include "covert/statistics/estimate.hpp"

namespace sluice::covert {

/// What was found out about one means in one setting.
struct Outcome {
  enum class State : std::uint8_t {
    measured,
    refused,         ///< a role could not prepare it: `why`
    not_applicable,  ///< it needs a flow, and there is none
    failed,          ///< the run came to nothing: `why`
  };
  State state = State::failed;
  std::string why;
  Estimate estimate;
};

/// What is said of one means in the end.
enum class Verdict : std::uint8_t {
  closed,           ///< the sandbox refuses the means
  none_found,       ///< tried, and nothing came through
  found,            ///< see the estimates
  control_failed,   ///< the detector found nothing where the hole was open: its silence means nothing
  not_to_be_tried,  ///< this kernel lacks the means even outside of a sandbox
  failed,           ///< some run came to nothing
};

struct Row {
  const Means* means = nullptr;
  Outcome outcome[3];  ///< by Setting
  Verdict verdict = Verdict::failed;

  [[nodiscard]] const Outcome& in(Setting setting) const { return outcome[static_cast<int>(setting)]; }
  /// The largest rate of the two settings with sandboxes, in bits per second.
  [[nodiscard]] double rate() const;
};

struct Campaign {
  std::vector<const Means*> means;
  double seconds = 240;    ///< to measure in, all together
  std::uint64_t seed = 1;  ///< of secrets, shuffles and resamples
  double limit = 1;        ///< bits per second that are accepted
};

struct Report {
  std::vector<Row> rows;
  double seconds = 0;  ///< that it took
  double limit = 1;
  bool interrupted = false;

  [[nodiscard]] bool controls_caught() const;
  [[nodiscard]] bool within_limit() const;
  [[nodiscard]] bool complete() const;
};

/// Runs it. `tell` gets a line for the user before each step.
Report conduct(const Campaign& campaign, const Equipment& equipment, const volatile bool& interrupted,
               const std::function<void(const std::string&)>& tell);

/// The verdict that follows from the outcomes of a row.
Verdict judge(const Row& row);

/// The verdict in words, for people: "none found", "closed: EPERM (keyctl)", "audit: 12.3 bit/s" ...
std::string describe(const Row& row);

}  // namespace sluice::covert
