// Pid 1 of a run: sets everything up, watches it, and takes it all along when it ends.
#pragma once

#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/launcher/audit_file.hpp"
#include "trusted/launcher/drain.hpp"
#include "trusted/launcher/identity.hpp"
#include "trusted/launcher/plan.hpp"
#include "trusted/sandbox/limit_group.hpp"
#include "trusted/sandbox/relaxation.hpp"

namespace sluice::launcher {

/// What the front says to the supervisor, one byte each.
inline constexpr char kStopOrderly = 's';  ///< ask the subjects to end, then end them
inline constexpr char kStopNow = 'k';

/// Opened by the front, with the rights of whoever started the run.
struct Outputs {
  std::vector<OutputFiles> subjects;
  Fd json;          ///< for the summary; none if not asked for
  AuditFile audit;  ///< for the run's events; none if not asked for
};

/// Runs `plan` to its end; returns the exit code of the run. `control` is the supervisor's end of the connection to
/// the front; its end means that the front is gone.
/// `groups` are the subjects' control groups, one each or none at all.
int supervise(const Plan& plan, const Identities& identities, Fd control, Outputs outputs,
              std::vector<sandbox::LimitGroup> groups, std::vector<sandbox::Relaxation> relaxations);

}  // namespace sluice::launcher
