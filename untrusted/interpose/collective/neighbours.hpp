// With whom one rank exchanges messages in an operation with a root. Worked out once for each root.
#pragma once

#include <vector>

#include "untrusted/interpose/collective/participants.hpp"

namespace sluice::interpose {

/// From whom a rank gets broadcast data, -1 at the root, and to whom it passes them on: a binomial tree inside the
/// subject below the tree over subjects.
struct Neighbours {
  int from = -1;
  std::vector<int> to;
};

/// Of this rank.
const Neighbours& broadcast_neighbours(Participants& among, int root);

/// Whose values a rank combines with its own in a reduction, and who gets the result: as reduce() does it with an
/// operation that commutes.
struct Partners {
  bool simple = false;  ///< each message has one value; what follows is meant only then
  /// Ranks of the subject whose values the own operand is combined with, one after the other, each as the second one.
  std::vector<int> inside;
  /// Speakers of subjects below, in the order of their values. All are combined from the first on, each as the first
  /// one with the next.
  std::vector<int> below;
  std::size_t own = 0;  ///< the place of the subject's own value in that order
  int to = -1;          ///< -1 at the root
};

/// Of this rank.
const Partners& reduction_partners(Participants& among, int root);

}  // namespace sluice::interpose
