// Point-to-point between two subjects and inside them: `left` has ranks 0 and 1, `right` has ranks 2 and 3. Rank 0 of
// the one and rank 3 of the other send to rank 2, so that everything but synchronous sends goes with a flow one way.
#pragma once

#include "tests/support/subjects.hpp"

namespace sluice::testing {

inline constexpr int kRemote = 0;    ///< sends from the other subject
inline constexpr int kReceiver = 2;  ///< where most happens
inline constexpr int kLocal = 3;     ///< sends from the receiver's own subject

inline bool is_sender(const Job& job) { return job.rank() == kRemote || job.rank() == kLocal; }
inline bool is_receiver(const Job& job) { return job.rank() == kReceiver; }

inline int count_of(const MPI_Status& status, MPI_Datatype datatype) {
  int count = -1;
  MPI_Get_count(&status, datatype, &count);
  return count;
}

void matched_probes(const Job& job);
void persistent_requests(const Job& job);
void completion_calls(const Job& job);
void derived_types(const Job& job);
/// These need both directions.
void synchronous_sends(const Job& job);
void sends_and_receives_in_one(const Job& job);
/// More than 2^31 bytes in one message.
void large_counts(const Job& job);
/// The receiver ends while a synchronous send waits for it.
void receiver_ends(const Job& job);

}  // namespace sluice::testing
