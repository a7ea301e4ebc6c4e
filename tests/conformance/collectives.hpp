// What every form of a collective operation is tried with: buffers, the call, and what the result must be. Used with
// MPI_Xxx, MPI_Ixxx, persistent MPI_Xxx_init and, with the host that has them, their forms for large counts.
#pragma once

#include <mpi.h>

#include <vector>

#include "tests/conformance/harness.hpp"

#if SLUICE_MPI4 == 0
#include <mpi-ext.h>
#endif

namespace sluice::conformance {

/// Buffers for one collective on a communicator of `size` ranks. `Count` and `Displacement` are int, or MPI_Count and
/// MPI_Aint for the large-count forms.
template <typename Count, typename Displacement>
struct Buffers {
  int rank = 0, size = 0, root = 0;
  MPI_Comm comm = MPI_COMM_NULL;
  std::vector<int> send, recv;
  Count n = 3;                              ///< ints for each rank
  std::vector<Count> counts;                ///< rank i: i + 1 ints
  std::vector<Displacement> displacements;  ///< in ints, with a gap of one between ranks
  std::vector<Displacement> bytes;          ///< the same in bytes
  std::vector<Count> same_counts;           ///< n for each rank
  std::vector<Displacement> spaced;         ///< in ints: rank i at 4 * i
  std::vector<MPI_Aint> spaced_addresses;   ///< the same in bytes
  std::vector<Count> own_counts;            ///< own rank + 1, for each rank
  std::vector<Displacement> own_displacements, own_bytes;
  std::vector<MPI_Datatype> types;
  Count own_count = 0;  ///< own rank + 1

  Buffers(MPI_Comm communicator, int root_rank) : root(root_rank), comm(communicator) {
    CALL(MPI_Comm_rank(comm, &rank));
    CALL(MPI_Comm_size(comm, &size));
    own_count = rank + 1;
    long place = 0, own_place = 0;
    for (int i = 0; i < size; ++i) {
      counts.push_back(i + 1);
      displacements.push_back(static_cast<Displacement>(place));
      bytes.push_back(static_cast<Displacement>(place * 4));
      place += i + 2;
      own_counts.push_back(rank + 1);
      own_displacements.push_back(static_cast<Displacement>(own_place));
      own_bytes.push_back(static_cast<Displacement>(own_place * 4));
      own_place += rank + 2;
      same_counts.push_back(n);
      spaced.push_back(static_cast<Displacement>(4 * i));
      spaced_addresses.push_back(16L * i);
      types.push_back(MPI_INT);
    }
    send.resize(static_cast<std::size_t>(size) * static_cast<std::size_t>(size + 8));
    recv.resize(send.size());
  }

  /// Contents that depend on rank, place and `round`; receive buffer cleared.
  void fill(int round) {
    for (std::size_t i = 0; i < send.size(); ++i) send[i] = value(rank, static_cast<int>(i), round);
    recv.assign(recv.size(), -1);
  }
  [[nodiscard]] static int value(int from, int place, int round) { return number(from, place, round) % 100000; }

  /// recv[at] is what `from` had in send[place]; recv[at] is `expected`.
  void is(int at, int from, int place, int round) const { equals(at, value(from, place, round)); }
  void equals(int at, int expected) const {
    if (recv[static_cast<std::size_t>(at)] != expected) CHECK_EQ(recv[static_cast<std::size_t>(at)], expected);
  }
  /// Sum of send[place] over ranks `first` to `last`.
  [[nodiscard]] int sum(int first, int last, int place, int round) const {
    int result = 0;
    for (int i = first; i <= last; ++i) result += value(i, place, round);
    return result;
  }
  [[nodiscard]] int place_of(int i) const { return static_cast<int>(displacements[static_cast<std::size_t>(i)]); }
  [[nodiscard]] int own_place_of(int i) const {
    return static_cast<int>(own_displacements[static_cast<std::size_t>(i)]);
  }
};

using Plain = Buffers<int, int>;
using Large = Buffers<MPI_Count, MPI_Aint>;

constexpr int kCollectiveRounds = 2;

/// Runs the collective that `start` begins (a blocking one is complete then) and checks it with `check`, twice.
template <typename B, typename Start, typename Check>
void try_collective(MPI_Comm comm, int root, Start start, Check check) {
  for (int round = 0; round < kCollectiveRounds; ++round) {
    B b(comm, root);
    b.fill(round);
    start(b);
    check(b, round);
  }
}

/// The same with a persistent request. It is started twice, but for the requests that MPICH 4.0.2 makes itself: there
/// the second start of a gather, scatter or allgather goes wrong.
template <typename B, typename Make, typename Check>
void try_persistent(const Case& c, MPI_Comm comm, int root, Make make, Check check) {
  const bool start_again = SLUICE_MPI4 == 0 || !c.one_subject();
  B b(comm, root);
  MPI_Request request = MPI_REQUEST_NULL;
  for (int round = 0; round < kCollectiveRounds; ++round) {
    b.fill(round);
    if (request == MPI_REQUEST_NULL) make(b, &request);
    CALL(MPI_Start(&request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    check(b, round);
    if (!start_again) CALL(MPI_Request_free(&request));
  }
  if (request != MPI_REQUEST_NULL) CALL(MPI_Request_free(&request));
}

}  // namespace sluice::conformance

// NOLINTBEGIN(bugprone-macro-parentheses)
// EACH is c.each_root or once; the argument list of the call is in terms of `b`.
#define SLUICE_BLOCKING(name, B, each, function, check, ...)                    \
  CASE(name) {                                                                  \
    each(c, [&](MPI_Comm comm, int root) {                                      \
      try_collective<B>(                                                        \
          comm, root, [&](B& b) { CALL(function(__VA_ARGS__, comm)); }, check); \
    });                                                                         \
  }
#define SLUICE_NONBLOCKING(name, B, each, function, check, ...) \
  CASE(name) {                                                  \
    each(c, [&](MPI_Comm comm, int root) {                      \
      try_collective<B>(                                        \
          comm, root,                                           \
          [&](B& b) {                                           \
            MPI_Request request = MPI_REQUEST_NULL;             \
            CALL(function(__VA_ARGS__, comm, &request));        \
            CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));        \
          },                                                    \
          check);                                               \
    });                                                         \
  }
#define SLUICE_PERSISTENT(name, B, each, function, check, ...)                                                    \
  CASE(name) {                                                                                                    \
    each(c, [&](MPI_Comm comm, int root) {                                                                        \
      try_persistent<B>(                                                                                          \
          c, comm, root,                                                                                          \
          [&](B& b, MPI_Request* request) { CALL(function(__VA_ARGS__, comm, MPI_INFO_NULL, request)); }, check); \
    });                                                                                                           \
  }

// All forms of one collective that the host has.
#if SLUICE_MPI4
#define SLUICE_COLLECTIVE(name, X, each, check, ...)                                          \
  SLUICE_BLOCKING(name, Plain, each, MPI_##X, check, __VA_ARGS__)                             \
  SLUICE_NONBLOCKING(name##_nonblocking, Plain, each, MPI_I##X, check, __VA_ARGS__)           \
  SLUICE_PERSISTENT(name##_persistent, Plain, each, MPI_##X##_init, check, __VA_ARGS__)       \
  SLUICE_BLOCKING(name##_large, Large, each, MPI_##X##_c, check, __VA_ARGS__)                 \
  SLUICE_NONBLOCKING(name##_nonblocking_large, Large, each, MPI_I##X##_c, check, __VA_ARGS__) \
  SLUICE_PERSISTENT(name##_persistent_large, Large, each, MPI_##X##_init_c, check, __VA_ARGS__)
#else
#define SLUICE_COLLECTIVE(name, X, each, check, ...)                                \
  SLUICE_BLOCKING(name, Plain, each, MPI_##X, check, __VA_ARGS__)                   \
  SLUICE_NONBLOCKING(name##_nonblocking, Plain, each, MPI_I##X, check, __VA_ARGS__) \
  SLUICE_PERSISTENT(name##_persistent, Plain, each, MPIX_##X##_init, check, __VA_ARGS__)
#endif
// NOLINTEND(bugprone-macro-parentheses)
