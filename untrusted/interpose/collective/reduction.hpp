// Reductions: the steps of one rank.
//
// Operands are combined in the order of ranks, and with the same association in every run and for every root: first
// inside each group of ranks that follow each other in one subject, then the groups one after the other. For an
// operation that commutes, the ranks of a subject are one group even where they do not follow each other.
#pragma once

#include "untrusted/interpose/collective/block.hpp"

namespace sluice::interpose {

/// What is reduced: `operand` has the type and count.
struct Reduction {
  MPI_Op op = MPI_OP_NULL;
  bool commutes = false;
  Block operand;          ///< this rank's; of a rank that does not contribute, its type and count
  int contributors = -1;  ///< the first so many ranks contribute; -1: all do
};

/// The result goes to `result` at the root (MPI 3.1, section 5.9.1).
void reduce(Schedule& schedule, int root, const Reduction& reduction, const Block& result);

/// Prefix reductions (section 5.11). Exclusive ones leave `result` of rank 0 alone.
void scan(Schedule& schedule, const Reduction& reduction, const Block& result, bool inclusive);

}  // namespace sluice::interpose
