// A control group that bounds the memory of one subject.
//
// A control group is a folder that outlives its processes, so a run that is killed would leave it behind. Its name is
// known before it is made, and whoever waits for the end of the run (launcher/group_keeper.hpp) removes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

/// Where groups for memory can be made.
struct GroupPlace {
  std::filesystem::path folder;  ///< of the group that this process is in
  int version = 0;               ///< of control groups, 1 or 2
};

/// The memory group of this process, if this user may make groups in it. Looks at /proc/self/cgroup and mountinfo.
Result<GroupPlace, Problem> find_memory_group();

/// The same from the text of these two files; does not look whether it is there.
Result<GroupPlace, Problem> find_memory_group(const std::string& cgroup, const std::string& mountinfo);

class LimitGroup {
 public:
  /// Makes the group `name` with at most `bytes` of memory and swap together. Its processes are ended by the kernel
  /// when they need more, and no others are.
  static Result<LimitGroup, Problem> make(const GroupPlace& place, const std::string& name, std::uint64_t bytes);

  /// The process of one thread that writes "0" here joins, with all that it starts.
  [[nodiscard]] const Fd& entrance() const noexcept { return entrance_; }

  /// How many of its processes the kernel has ended for want of memory.
  [[nodiscard]] std::uint64_t ended_for_memory() const;

 private:
  Fd entrance_;
  Fd events_;
};

/// Name of a subject's group: `sluice-KEEPER-INDEX`, where KEEPER is the process that removes it.
std::string group_name(pid_t keeper, std::size_t index);

/// Removes groups whose keeper is gone, which only a kill of both it and its run leaves, and which are a minute old.
void remove_forgotten_groups(const GroupPlace& place);

}  // namespace sluice::sandbox
