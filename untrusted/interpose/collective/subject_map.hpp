// The ranks of a communicator by subject, and the trees along which collectives cross between subjects.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "untrusted/interpose/collective/legality.hpp"

namespace sluice::interpose {

/// A tree over subjects with the root's subject on top. Of two subjects that are joined by an edge, the one that sends
/// has a flow to the other. Every subject that can take part hangs as near to the top as flows allow.
struct Tree {
  std::vector<int> parent;                 ///< by subject; -1 at the top and for subjects that no path joins to it
  std::vector<std::vector<int>> children;  ///< by subject
  /// By subject: its ranks and those of the subjects below it, in the order in which their data travel together.
  std::vector<std::vector<int>> bundle;
};

/// Ranks of one subject that reduce among themselves first, in the order of their operands.
using Group = std::vector<int>;

/// Groups of ranks whose subjects are given. For an operation that commutes there is one for each subject, else one for
/// each run of ranks that follow each other.
std::vector<Group> groups_of(std::span<const int> subject_of, bool commutes);

/// What collectives know of a communicator. All of it follows from the static policy and the members.
class SubjectMap {
 public:
  /// `subject_of`: subject of each rank, counted from 0 by their lowest ranks.
  SubjectMap(std::vector<int> subject_of, FlowGraph flows);

  [[nodiscard]] int subjects() const noexcept { return flows_.size(); }
  [[nodiscard]] const FlowGraph& flows() const noexcept { return flows_; }
  [[nodiscard]] const std::vector<int>& subject_of() const noexcept { return subject_of_; }
  [[nodiscard]] int subject_of(int rank) const noexcept { return subject_of_[static_cast<std::size_t>(rank)]; }
  /// Ranks of a subject, ascending.
  [[nodiscard]] const std::vector<int>& members(int subject) const noexcept {
    return members_[static_cast<std::size_t>(subject)];
  }
  /// The rank that sends and receives for its subject: the lowest.
  [[nodiscard]] int leader(int subject) const noexcept { return members(subject).front(); }

  /// Tree along which data flows from `top` to all that it reaches.
  const Tree& down(int top) { return tree(down_, top, true); }
  /// Tree along which data flows to `top` from all that reach it.
  const Tree& up(int top) { return tree(up_, top, false); }

  /// Subjects on a shortest path of flows, ends included. Precondition: there is one.
  std::vector<int> path(int from, int to);

  /// Groups of all ranks (groups_of), remembered.
  const std::vector<Group>& groups(bool commutes);

  /// Verdict on a collective (find_obstacle), remembered.
  const std::optional<Obstacle>& verdict(Relation relation, int root);

 private:
  using Trees = std::vector<std::optional<Tree>>;
  const Tree& tree(Trees& trees, int top, bool downwards);

  std::vector<int> subject_of_;
  FlowGraph flows_;
  std::vector<std::vector<int>> members_;
  Trees down_;
  Trees up_;
  std::array<std::vector<Group>, 2> groups_;  ///< by whether the operation commutes; empty until asked for
  std::array<std::vector<std::optional<std::optional<Obstacle>>>, 4> verdicts_;  ///< by relation and root's subject
};

}  // namespace sluice::interpose
