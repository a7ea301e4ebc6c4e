// Intercommunicators that cases are tried with.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {

/// Between two lists of world ranks, one of which this rank is in.
struct Bridge {
  MPI_Comm own = MPI_COMM_NULL, between = MPI_COMM_NULL;
  std::vector<int> ours, theirs;  ///< world ranks
  bool first = false;             ///< ours is the first list
  int rank = -1;                  ///< in ours

  Bridge(const Case& c, const std::vector<int>& first_ranks, const std::vector<int>& second_ranks)
      : ours(first_ranks), theirs(second_ranks), first(true) {
    if (find(c.rank) < 0) {
      first = false;
      ours.swap(theirs);
    }
    rank = find(c.rank);
    MPI_Group world, group;
    CALL(MPI_Comm_group(MPI_COMM_WORLD, &world));
    CALL(MPI_Group_incl(world, static_cast<int>(ours.size()), ours.data(), &group));
    CALL(MPI_Comm_create_group(MPI_COMM_WORLD, group, c.tag, &own));
    CALL(MPI_Comm_set_errhandler(own, MPI_ERRORS_RETURN));  // MPICH's does not inherit the world's
    CALL(MPI_Group_free(&group));
    CALL(MPI_Group_free(&world));
    CALL(MPI_Intercomm_create(own, 0, MPI_COMM_WORLD, theirs.front(), c.tag, &between));
  }
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;
  ~Bridge() {
    if (between != MPI_COMM_NULL) MPI_Comm_free(&between);
    if (own != MPI_COMM_NULL) MPI_Comm_free(&own);
  }

  [[nodiscard]] int local() const { return static_cast<int>(ours.size()); }
  [[nodiscard]] int remote() const { return static_cast<int>(theirs.size()); }

 private:
  [[nodiscard]] int find(int world_rank) const {
    const auto found = std::find(ours.begin(), ours.end(), world_rank);
    return found == ours.end() ? -1 : static_cast<int>(found - ours.begin());
  }
};

/// Runs `body` on intercommunicators: where all flow both ways between the halves of the world and between even and odd
/// ranks, else between each subject and the next one.
inline void each_bridge(const Case& c, const std::function<void(const Bridge&)>& body) {
  std::vector<std::vector<int>> groups;
  if (c.all_both()) {
    groups.resize(4);
    for (int i = 0; i < c.size; ++i) {
      groups[i < c.size / 2 ? 0U : 1U].push_back(i);
      groups[i % 2 == 0 ? 2U : 3U].push_back(i);
    }
  } else {
    for (int i = 0; i < c.size; ++i) {
      if (i == 0 || c.subject_of(i) != c.subject_of(i - 1)) groups.emplace_back();
      groups.back().push_back(i);
    }
  }
  for (std::size_t i = 0; i + 1 < groups.size(); i += c.all_both() ? 2U : 1U) {
    const auto has = [&](const std::vector<int>& ranks) {
      return std::find(ranks.begin(), ranks.end(), c.rank) != ranks.end();
    };
    if (!has(groups[i]) && !has(groups[i + 1])) continue;
    c.attempt("", [&] { body(Bridge(c, groups[i], groups[i + 1])); });
  }
}

}  // namespace sluice::conformance
