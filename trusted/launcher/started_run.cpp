#include "trusted/launcher/started_run.hpp"

#include <fcntl.h>

#include <utility>

#include "trusted/launcher/staging.hpp"

namespace sluice::launcher {

using sandbox::Problem;

Result<StartedRun, Problem> start_run(const Plan& plan, const Identities& identities,
                                      const std::vector<sandbox::LimitGroup>& groups) {
  StartedRun run;
  StagingSteps steps;
  steps.guard = [&](const Stage& stage) -> Status<Problem> {
    auto started = start_guard_process(plan, stage, identities);
    if (!started) return started.error();
    run.guard = std::move(started).value();
    return Unit{};
  };
  const Fd none;
  steps.subject = [&](const Stage& stage, std::size_t index, StagedSubject subject) -> Status<Problem> {
    const Fd& group = groups.empty() ? none : groups[index].entrance();
    if (auto begun = start_mirrors(stage.mirror_program, subject.mirrors, index, identities, group); !begun)
      return begun;
    auto child = start_sandbox(subject, index, identities, group);
    if (!child) return child.error();
    fcntl(child.value().info.get(), F_SETFL, O_NONBLOCK);
    run.subjects.push_back({std::move(child).value(), std::move(subject.proc_covers), std::move(subject.heard),
                            std::move(subject.output)});
    return Unit{};
  };
  auto staged = stage_run(plan, identities, steps);
  if (!staged) return staged.error();
  run.relaxations = std::move(staged).value();
  return run;
}

}  // namespace sluice::launcher
