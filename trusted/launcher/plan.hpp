// Everything that is decided about a run before any process of it exists.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "trusted/base/result.hpp"
#include "trusted/launcher/host_mpi.hpp"
#include "trusted/policy/policy.hpp"
#include "trusted/sandbox/problem.hpp"
#include "trusted/sandbox/relaxation.hpp"

namespace sluice::launcher {

/// Exit codes of `sluice run` (docs/running.md).
enum ExitCode : int {
  kAllEndedWell = 0,
  kSubjectFailed = 1,
  kUsage = 2,
  kPolicyMistakes = 3,
  kHostCannot = 4,
  kEndedByGuard = 5,
  kTrustedPartDied = 6,
  kInterrupted = 130,
};

struct RunOptions {
  std::filesystem::path policy;
  std::optional<std::filesystem::path> output;  ///< folder for per-subject files
  std::optional<std::filesystem::path> json;    ///< file for the summary; "-" is standard output
  std::optional<std::filesystem::path> audit;   ///< file to which the run's events are appended
  bool quiet = false;
};

/// Where the parts of Sluice lie, seen from the running program.
struct Installation {
  std::filesystem::path guard;
  std::filesystem::path rank;       ///< sluice-rank, which starts each rank
  std::filesystem::path mirror;     ///< sluice-mirror, which gives a sandbox pages of its own
  std::filesystem::path confine;    ///< sluice-confine, the first program in every sandbox
  std::filesystem::path libraries;  ///< folder of libsluice-openmpi.so and libsluice-mpich.so

  [[nodiscard]] std::filesystem::path session() const { return libraries / "libsluice-session.so"; }
};

Installation find_installation();

struct SubjectPlan {
  HostMpi mpi = HostMpi::openmpi;
  std::string preload;  ///< the library for its ranks; empty for `world: subject`
  std::vector<std::string> command;
  policy::Limits limits;  ///< what the policy says, or what is right where it does not
};

struct Plan {
  RunOptions options;
  Installation installation;
  policy::Policy policy;
  std::vector<SubjectPlan> subjects;  ///< same indexes as in the policy
};

/// A problem and the exit code that it leads to.
struct PlanProblem {
  ExitCode code = kHostCannot;
  sandbox::Problem problem;
};

/// Finds each subject's host MPI and checks what must be there. All problems at once.
Result<Plan, std::vector<PlanProblem>> make_plan(RunOptions options, policy::Policy policy);

/// Fails if the policy requires what the relaxation gives up.
Status<sandbox::Problem> check_relaxation(const Plan& plan, const sandbox::Relaxation& relaxation);

/// Bytes that the guard takes for all queues, and what this host has to give.
struct MemoryNeed {
  std::uint64_t queues = 0;
  std::uint64_t available = 0;
};
MemoryNeed memory_need(const policy::Policy& policy);

}  // namespace sluice::launcher
