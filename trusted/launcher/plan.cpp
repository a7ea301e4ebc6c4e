#include "trusted/launcher/plan.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <thread>
#include <utility>

#include "wire/limits.hpp"
#include "wire/shared_path.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& path, const fs::path& folder) {
  auto part = path.begin();
  for (const fs::path& piece : folder) {
    if (piece.empty()) continue;
    if (part == path.end() || *part != piece) return false;
    ++part;
  }
  return true;
}

/// What one subject writes and another one sees would be a flow that the policy does not list.
void check_overlaps(const policy::Policy& policy, std::vector<PlanProblem>& problems) {
  for (const policy::Subject& writer : policy.subjects) {
    for (const policy::FileGrant& written : writer.files) {
      if (written.access != policy::Access::write) continue;
      for (const policy::Subject& other : policy.subjects) {
        if (&other == &writer) continue;
        for (const policy::FileGrant& seen : other.files) {
          if (!is_below(seen.path, written.path) && !is_below(written.path, seen.path)) continue;
          problems.push_back(
              {kPolicyMistakes,
               {sandbox::ProblemKind::path,
                policy.file.string() + ":" + std::to_string(seen.place.line) + ": " + other.name + " may see " +
                    seen.path.string() + ", which " + writer.name + " writes in the same run (line " +
                    std::to_string(written.place.line) + ")",
                "give each subject a folder of its own; data passes between subjects as messages along flows"}});
        }
      }
    }
  }
}

/// What is written for the operator tells of all subjects; none may see it, let alone change it.
void check_operator_files(const Plan& plan, std::vector<PlanProblem>& problems) {
  const std::array<std::pair<const char*, const std::optional<fs::path>&>, 3> files = {
      {{"--output", plan.options.output}, {"--json", plan.options.json}, {"--audit", plan.options.audit}}};
  for (const auto& [option, path] : files) {
    if (!path || *path == "-") continue;
    std::error_code error;
    const fs::path place = fs::weakly_canonical(fs::absolute(*path), error);
    for (const policy::Subject& subject : plan.policy.subjects) {
      for (const policy::FileGrant& grant : subject.files) {
        if (!error && !is_below(place, grant.path)) continue;
        problems.push_back({kUsage,
                            {sandbox::ProblemKind::path,
                             std::string(option) + " " + path->string() + " lies in " + grant.path.string() +
                                 ", which " + subject.name + " may see (" + plan.policy.file.string() + ":" +
                                 std::to_string(grant.place.line) + ")",
                             "name a place outside of every subject's files"}});
      }
    }
  }
}

/// Places that the sandbox makes itself.
void check_places(const policy::Policy& policy, std::vector<PlanProblem>& problems) {
  for (const policy::Subject& subject : policy.subjects) {
    for (const policy::FileGrant& grant : subject.files) {
      for (const char* own : {"/proc", "/sys", "/dev", "/run/sluice", "/etc"}) {
        if (!is_below(grant.visible, own) && grant.visible != "/") continue;
        problems.push_back(
            {kPolicyMistakes,
             {sandbox::ProblemKind::path,
              policy.file.string() + ":" + std::to_string(grant.place.line) + ": " + subject.name + ": " +
                  grant.visible.string() + " cannot be granted: the sandbox makes " + own + " itself",
              "copy what is needed into the policy's folder and grant that"}});
        break;
      }
    }
  }
}

/// By default a subject may start enough for a thread on every processor in every rank, and never take the whole host's
/// memory.
policy::Limits limits_of(const policy::Subject& subject, std::uint64_t available) {
  policy::Limits limits = subject.limits;
  const std::uint64_t each = 64 + 2 * std::uint64_t{std::max(1U, std::thread::hardware_concurrency())};
  if (limits.processes == 0) limits.processes = 512 + subject.ranks * each;
  if (limits.memory == 0) limits.memory = available / 10 * 9;
  return limits;
}

void plan_subject(const policy::Subject& subject, Plan& plan, std::vector<PlanProblem>& problems) {
  SubjectPlan result;
  const std::string where =
      plan.policy.file.string() + ":" + std::to_string(subject.place.line) + ": " + subject.name + ": ";
  if (subject.mpi == policy::Mpi::automatic) {
    auto detected = detect_host_mpi(subject.image);
    if (!detected) {
      problems.push_back(
          {kPolicyMistakes,
           {sandbox::ProblemKind::path, where + "cannot tell which MPI it uses: " + detected.error(), ""}});
      return;
    }
    result.mpi = detected.value();
  } else {
    result.mpi = subject.mpi == policy::Mpi::openmpi ? HostMpi::openmpi : HostMpi::mpich;
  }
  if (access(mpiexec_of(result.mpi), X_OK) != 0) {
    problems.push_back({kHostCannot,
                        {sandbox::ProblemKind::host, where + std::string(mpiexec_of(result.mpi)) + " is not there",
                         std::string("install the package ") + package_of(result.mpi)}});
  }
  if (subject.world == policy::World::run) {
    result.preload = plan.installation.libraries / (std::string("libsluice-") + name_of(result.mpi) + ".so");
    if (access(result.preload.c_str(), R_OK) != 0) {
      problems.push_back({kHostCannot,
                          {sandbox::ProblemKind::host, where + result.preload + " is not there",
                           "build Sluice whole: cmake --build --preset release"}});
    }
  }
  const std::vector<std::string> arguments(subject.run.begin() + 1, subject.run.end());
  result.command = mpiexec_command(result.mpi, subject.ranks, result.preload, subject.image, arguments);
  plan.subjects.push_back(std::move(result));
}

}  // namespace

Installation find_installation() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path folder = program.parent_path();
  return {folder / "sluice-guard", folder / "sluice-rank", folder / "sluice-mirror", folder / "sluice-confine",
          folder.parent_path() / "lib"};
}

Result<Plan, std::vector<PlanProblem>> make_plan(RunOptions options, policy::Policy policy) {
  Plan plan{std::move(options), find_installation(), std::move(policy), {}};
  std::vector<PlanProblem> problems;
  for (const fs::path& part : {plan.installation.guard, plan.installation.rank, plan.installation.mirror,
                               plan.installation.confine, plan.installation.session()}) {
    if (access(part.c_str(), R_OK) == 0) continue;
    problems.push_back({kHostCannot,
                        {sandbox::ProblemKind::host, "a part of Sluice is not there: " + part.string(),
                         "build Sluice whole: cmake --build --preset release"}});
  }
  check_operator_files(plan, problems);
  check_places(plan.policy, problems);
  check_overlaps(plan.policy, problems);
  for (const policy::Subject& subject : plan.policy.subjects) plan_subject(subject, plan, problems);
  if (!problems.empty()) return problems;
  const std::uint64_t available = memory_need(plan.policy).available;
  for (std::size_t i = 0; i < plan.subjects.size(); ++i) {
    plan.subjects[i].limits = limits_of(plan.policy.subjects[i], available);
  }
  return plan;
}

Status<sandbox::Problem> check_relaxation(const Plan& plan, const sandbox::Relaxation& relaxation) {
  for (const std::string& required : plan.policy.require) {
    if (required != "all" && required != relaxation.name) continue;
    return sandbox::Problem{sandbox::ProblemKind::host,
                            "the policy requires " + relaxation.name + ", and " +
                                (relaxation.subject.empty() ? "" : relaxation.subject + " ") + relaxation.what,
                            "see sluice doctor, or take it out of `require`"};
  }
  return Unit{};
}

MemoryNeed memory_need(const policy::Policy& policy) {
  MemoryNeed need;
  for (const table::Flow& flow : policy.table.flows) {
    const std::uint64_t segments =
        std::uint64_t{table::segment_count(policy.table, flow)} + table::intake_segments(policy.table, flow);
    need.queues += segments * wire::kSegmentBytes;
    if (flow.path != table::Path::shared) continue;
    need.queues += wire::shared_ring_bytes(policy.subjects[flow.from].ranks, policy.subjects[flow.to].ranks);
  }
  for (const table::Subject& subject : policy.table.subjects) {
    if (subject.in_world) need.queues += std::uint64_t{subject.rank_count} * wire::kTransmitRingBytes;
  }
  std::ifstream file("/proc/meminfo");
  for (std::string key; file >> key;) {
    std::uint64_t kibibytes = 0;
    if (key == "MemAvailable:" && file >> kibibytes) need.available = kibibytes * 1024;
  }
  return need;
}

}  // namespace sluice::launcher
