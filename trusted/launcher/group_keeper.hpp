// Removes a run's control groups, however the run ends.
#pragma once

#include <sys/types.h>

#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/launcher/plan.hpp"
#include "trusted/sandbox/limit_group.hpp"
#include "trusted/sandbox/relaxation.hpp"

namespace sluice::launcher {

/// Groups for the subjects of one run, made before anything of it starts. A process of its own, the keeper, outside the
/// run's namespaces, holds the reading end of a pipe; the front and the supervisor hold the other. When both have
/// ended, however that was, the keeper removes the groups as soon as their processes are gone, and ends.
class GroupKeeper {
 public:
  /// Makes one group for each subject of `plan`. Where none can be made the keeper keeps nothing: see relaxations().
  static GroupKeeper start(const Plan& plan);

  GroupKeeper(GroupKeeper&&) = default;
  GroupKeeper& operator=(GroupKeeper&&) = default;
  ~GroupKeeper() = default;

  /// One for each subject; empty if there are none.
  [[nodiscard]] std::vector<sandbox::LimitGroup>& groups() noexcept { return groups_; }

  /// Why there are no groups; nothing if there are.
  [[nodiscard]] const std::vector<sandbox::Relaxation>& relaxations() const noexcept { return relaxations_; }

  /// In the front, at the end: waits for the keeper, 5 s at most.
  void finish();

 private:
  GroupKeeper() = default;

  std::vector<sandbox::LimitGroup> groups_;
  std::vector<sandbox::Relaxation> relaxations_;
  sandbox::GroupPlace place_;
  std::size_t count_ = 0;
  Fd alive_;  ///< the keeper waits for the end of every copy
  pid_t keeper_ = -1;
};

}  // namespace sluice::launcher
