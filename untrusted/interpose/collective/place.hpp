// Where a rank is in the tree of an operation with a root.
#pragma once

#include <vector>

#include "untrusted/interpose/collective/schedule.hpp"

namespace sluice::interpose {

/// Each subject has one rank that sends and receives for it: the root in its own, the leader elsewhere.
class Place {
 public:
  [[nodiscard]] int speaker(int of) const { return of == map_.subject_of(root_) ? root_ : map_.leader(of); }
  [[nodiscard]] int speaker() const { return speaker(subject_); }
  [[nodiscard]] bool top() const { return subject_ == map_.subject_of(root_); }
  [[nodiscard]] int above() const { return speaker(tree_.parent[index(subject_)]); }
  [[nodiscard]] const std::vector<int>& below() const { return tree_.children[index(subject_)]; }
  /// Ranks of a subject and of those below it.
  [[nodiscard]] const std::vector<int>& bundle(int of) const { return tree_.bundle[index(of)]; }
  [[nodiscard]] const std::vector<int>& bundle() const { return bundle(subject_); }
  [[nodiscard]] const std::vector<int>& members() const { return map_.members(subject_); }
  [[nodiscard]] int root() const { return root_; }
  [[nodiscard]] int subject() const { return subject_; }

  /// Of this rank where data goes from the root to all.
  static Place downwards(Participants& among, int root) {
    return {among, root, among.map.down(among.map.subject_of(root))};
  }
  static Place downwards(Schedule& schedule, int root) { return downwards(schedule.participants(), root); }
  /// Of this rank where data goes from all to the root.
  static Place upwards(Participants& among, int root) {
    return {among, root, among.map.up(among.map.subject_of(root))};
  }
  static Place upwards(Schedule& schedule, int root) { return upwards(schedule.participants(), root); }

 private:
  Place(const Participants& among, int root, const Tree& tree)
      : map_(among.map), tree_(tree), root_(root), subject_(map_.subject_of(among.rank)) {}
  static std::size_t index(int subject) { return static_cast<std::size_t>(subject); }

  const SubjectMap& map_;
  const Tree& tree_;
  int root_;
  int subject_;
};

}  // namespace sluice::interpose
