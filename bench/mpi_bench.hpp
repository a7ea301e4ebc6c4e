// The tests of the MPI benchmark. One source, built for each host MPI; ranks 0 and 1 of MPI_COMM_WORLD take part.
//
// Every loop runs a number of times that follows from the message size and Options alone, so that two ranks agree on
// it without a message. Buffers are OSU-style: one for sending, one for receiving.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::bench {

struct Options {
  std::size_t min_bytes = 8;
  std::size_t max_bytes = std::size_t{4} << 20;
  /// Factor between two sizes.
  std::size_t step = 2;
  /// Amount of work of every test, relative to the default.
  double work = 1.0;
  /// Seconds that rank 0 waits before the first test: until queues are filled in, and the receiver of a stream, of
  /// which its sender knows nothing, is there.
  double delay = 0;
  /// Which sizes, in order.
  [[nodiscard]] std::vector<std::size_t> sizes() const;
};

/// Where a test runs: a communicator that has at least two ranks, and its name in the results.
struct Place {
  MPI_Comm comm;
  std::string name;
  int rank;
  int size;
  bool inside;         ///< all of its ranks are of one subject, or there are no subjects
  bool prints = true;  ///< the figures measured there
};

/// Half of a round trip, in microseconds. Needs both directions. Printed by rank 0.
void measure_latency(const Place& place, const Options& options);

/// Messages per second in windows of non-blocking sends, each window answered by 4 bytes (as osu_bw does). Needs both
/// directions. Printed by rank 0.
void measure_bandwidth(const Place& place, const Options& options);

/// Messages per second from the first to the last that rank 1 receives; nothing goes back. Printed by rank 1.
void measure_stream(const Place& place, const Options& options);

/// Nanoseconds per MPI_Comm_rank and per MPI_Iprobe that finds nothing. Printed by rank 0, for
/// which rank 1 waits.
void measure_calls(const Place& place, const Options& options);

/// Nanoseconds of calls on communicators inside a subject, made from `place` where that is one. Printed by rank 0.
void measure_overhead(const Place& place, const Options& options);

}  // namespace sluice::bench
