// The record of a run for whoever answers for it: one JSON object a line, appended, outside every subject's reach.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "trusted/base/fd.hpp"
#include "trusted/guard/control.hpp"
#include "trusted/launcher/identity.hpp"
#include "trusted/launcher/plan.hpp"
#include "trusted/launcher/run_state.hpp"

namespace sluice::launcher {

/// Opens `file` for appending, for its owner alone. When it has grown past 16 MiB it becomes FILE.1, that FILE.2 and so
/// on up to FILE.9, and a new one is begun. Not followed if it is a symbolic link.
Result<Fd, sandbox::Problem> open_audit_file(const std::filesystem::path& file);

/// Writes the events of one run. Every line has `time` (UTC, RFC 3339), `run` (16 hexadecimal digits, drawn for the
/// run), `event`, and what the event is about. An event is written whole or not at all, so runs may share a file.
class AuditLog {
 public:
  /// Without a valid `file` nothing is written.
  AuditLog(Fd file, const Plan& plan);

  /// `run_started` with the policy's and the table's SHA-256, then `subject` for each subject, `flow` for each flow and
  /// `relaxation` for each promise that is not kept in full.
  void run_started(const Identities& identities, const RunState& state);
  /// `rank_up`, `rank_ended`, `refused` (the guard ends the subject), `queue_full`.
  void guard_event(const guard::Event& event);
  /// `subject_ended`.
  void subject_ended(std::size_t index, const SubjectState& subject);
  /// `stopping`: the operator asked for it. `guard_died`.
  void stopping();
  void guard_died();
  /// `run_ended` with the exit code and each flow's figures.
  void run_ended(const RunState& state);

 private:
  using Field = std::pair<std::string_view, std::string>;  // name, JSON value
  void write(std::string_view event, std::initializer_list<Field> fields);

  Fd file_;
  const Plan& plan_;
  std::string run_;
};

}  // namespace sluice::launcher
