// The record of a run for whoever answers for it: one JSON object a line, appended, outside every subject's reach.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trusted/guard/control.hpp"
#include "trusted/launcher/audit_file.hpp"
#include "trusted/launcher/identity.hpp"
#include "trusted/launcher/plan.hpp"
#include "trusted/launcher/refused_calls.hpp"
#include "trusted/launcher/run_state.hpp"

namespace sluice::launcher {

/// Writes the events of one run. Every line has `time` (UTC, RFC 3339), `run` (16 hexadecimal digits, drawn for the
/// run), `event`, what the event is about, `number` (from 1, without gaps) and `chain`: the SHA-256 of the line
/// before's chain (of the run's first line: of `run`) followed by the line up to `,"chain"`. A line that is changed,
/// added or taken out later does not fit.
class AuditLog {
 public:
  /// Without a valid `file` nothing is written. Looks at the images that `plan` names while they can be seen.
  AuditLog(AuditFile file, const Plan& plan);

  /// `run_started` with the policy's and the table's SHA-256, then `subject` and its `grant`s for each subject, `flow`
  /// for each flow and `relaxation` for each promise that is not kept in full.
  void run_started(const Identities& identities, const RunState& state);
  /// `relaxation`: one that showed later.
  void relaxation(const sandbox::Relaxation& relaxation);
  /// `rank_up`, `rank_ended`, `refused` (the guard ends the subject), `queue_full`, `events_lost`.
  void guard_event(const guard::Event& event);
  /// `denied`, `turned_away` and `overflow` if a subject's or a flow's counters have grown since the last call. Whoever
  /// calls this now and then sets the rate: however often a subject tries, it gets one line in between.
  void counters(const guard::Statistics& statistics);
  /// `refused_calls`: system calls that a subject was denied; nothing if there is no news.
  void refused_calls(std::size_t index, const RefusedCalls::News& news);
  /// `subject_ended`.
  void subject_ended(std::size_t index, const SubjectState& subject);
  /// `stopping`: the operator asked for it. `guard_died`.
  void stopping();
  void guard_died();
  /// `run_ended` with the exit code and each flow's figures.
  void run_ended(const RunState& state);

 private:
  void overflow(std::size_t flow, std::uint64_t now);

  using Field = std::pair<std::string_view, std::string>;  // name, JSON value
  void write(std::string_view event, std::initializer_list<Field> fields);

  /// What was known of a subject's counters when it was last looked at.
  struct Counted {
    std::uint64_t denied = 0;
    std::uint64_t turned_away = 0;
  };

  AuditFile file_;
  const Plan& plan_;
  std::vector<std::string> images_;  ///< SHA-256 of each subject's image
  std::vector<Counted> counted_;
  std::vector<std::uint64_t> overflow_;  ///< of each flow, when last looked at
  std::string chain_;
  std::uint64_t number_ = 0;
  std::uint64_t lost_ = 0;  ///< lines that could not be written
};

}  // namespace sluice::launcher
