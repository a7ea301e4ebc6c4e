// Values of groups of ranks on their way to the root of a reduction.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "untrusted/interpose/collective/place.hpp"
#include "untrusted/interpose/collective/reduction.hpp"

namespace sluice::interpose {

/// Adds the step `second = first op second`.
void combine(Schedule& schedule, MPI_Op op, const Block& first, const Block& second);

/// Adds the step that copies a block.
void copy_then(Schedule& schedule, const Block& from, const Block& to);

/// Sends a block whose value is there when the steps added so far are complete.
void send_block(Schedule& schedule, int rank, const Block& block);

/// The value, if it is not the program's operand, else a copy that the steps added later may change.
Block writable(Schedule& schedule, const Reduction& reduction, const Block& value);

/// The rank of a group that gets its value: the root, or else the first.
int holder_of(const Group& group, int root);

/// Which of the groups are those of a subject and of those below it, ascending.
std::vector<std::size_t> groups_in(const std::vector<Group>& groups, const std::vector<int>& bundle);

/// How many of ascending groups follow each other from the first group on.
std::size_t leading(const std::vector<std::size_t>& groups);

/// The steps of a subject's speaker: takes the values of its groups and of those below it, and passes them on together.
/// The values of the first group, the second, and so on are combined as soon as they come together, which leaves the
/// association as it is; so on a chain in the order of ranks each boundary is crossed by one value.
class Collector {
 public:
  Collector(Schedule& schedule, const std::vector<Group>& groups, int root, const Reduction& reduction)
      : schedule_(schedule), groups_(groups), root_(root), reduction_(reduction) {}

  /// `value`: of the group that this rank is the holder of.
  void take_own(std::size_t group, const Block& value);
  /// Everything that comes from other ranks of the subject and from subjects below, combined as far as it can be.
  void receive(const Place& place);
  /// Sends what there is to the speaker of the next subject.
  void pass_on(int above);
  /// At the root: the value of all groups. Precondition: receive() was called.
  [[nodiscard]] const Block& sum() const { return values_.begin()->second; }

 private:
  void receive_from(int speaker, const std::vector<std::size_t>& groups);
  void combine_first();

  Schedule& schedule_;
  const std::vector<Group>& groups_;
  int root_;
  const Reduction& reduction_;
  std::map<std::size_t, Block> values_;  ///< by group
  std::size_t combined_ = 1;             ///< so many groups are in the value of the first
};

}  // namespace sluice::interpose
