// What is known of a run while it lasts, and the reports made from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trusted/guard/control.hpp"
#include "trusted/launcher/plan.hpp"
#include "trusted/sandbox/relaxation.hpp"

namespace sluice::launcher {

/// Why a subject's processes were ended from outside, if they were.
enum class EndedBy {
  itself,
  guard_misbehaviour,  ///< it broke a rule of the guard's
  guard_queue_full,    ///< a queue into it was full (when_full: stop-receiver)
  memory_limit,        ///< the kernel ended processes of it that needed more than it may have
  stuck_launcher,      ///< its ranks had ended and its mpiexec had not
  interrupt,           ///< the operator stopped the run
  collapse,            ///< the guard died, and the run with it
};

struct SubjectState {
  enum class Phase { starting, running, ended };
  Phase phase = Phase::starting;
  std::uint32_t ranks_connected = 0;
  std::optional<int> exit_status;  ///< of mpiexec, as waitpid gives it; nothing if the sandbox never ran it
  EndedBy ended_by = EndedBy::itself;
  std::string why;  ///< more about `ended_by`
};

struct FlowFigures {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t backlog_bytes = 0;
};

struct RunState {
  std::vector<SubjectState> subjects;
  std::vector<FlowFigures> flows;
  std::vector<sandbox::Relaxation> relaxations;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  double seconds = 0;
  bool interrupted = false;
  bool trusted_part_died = false;
  bool host_failed = false;  ///< a sandbox could not be set up
};

/// Copies the guard's counters.
void read_figures(const guard::Statistics& statistics, RunState& state);

/// How one subject ended: "exit 0", "exit 3", "killed by signal 9", "ended by the guard: ...".
std::string describe_end(const SubjectState& subject);

/// Lines of the live view, newline-terminated.
std::string status_text(const Plan& plan, const RunState& state);

/// The table at the end, and the same as one JSON object.
std::string summary_text(const Plan& plan, const RunState& state);
std::string summary_json(const Plan& plan, const RunState& state);

ExitCode exit_code(const RunState& state);

}  // namespace sluice::launcher
