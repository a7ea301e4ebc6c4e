// What a call costs on communicators inside a subject: the time of one call, to be compared with the host MPI alone.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "bench/mpi_bench.hpp"

namespace sluice::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTag = 11;
constexpr int kAbsentTag = 12;  // never sent
constexpr int kDoneTag = 13;

/// Timed parts of one figure. Short, and the shortest of them stands for it: what a call takes where nothing disturbs
/// it.
constexpr std::size_t kParts = 40;

/// Prints the nanoseconds of one call. `once` makes `calls` of them.
template <typename Once>
void time_calls(const Options& options, const char* what, const char* where, int calls, const Once& once) {
  const auto count = std::max<std::size_t>(static_cast<std::size_t>(5e3 * options.work), 100);
  for (std::size_t i = 0; i < count; ++i) once();
  std::vector<double> parts;
  for (std::size_t part = 0; part < kParts; ++part) {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < count; ++i) once();
    parts.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  const double value = *std::min_element(parts.begin(), parts.end()) / static_cast<double>(count) / calls;
  std::printf(
      "{\"test\": \"overhead: %s%s\", \"place\": \"subject\", \"bytes\": 0, \"value\": %.6g, \"unit\": \"ns\"}\n", what,
      where, value);
  std::fflush(stdout);
}

/// Calls that ask, and find nothing to do.
void time_queries(const Options& options, const char* where, MPI_Comm comm, int self) {
  int answer = 0;
  time_calls(options, "Comm_rank", where, 1, [&] { MPI_Comm_rank(comm, &answer); });
  time_calls(options, "Comm_size", where, 1, [&] { MPI_Comm_size(comm, &answer); });
  time_calls(options, "Iprobe", where, 1, [&] { MPI_Iprobe(self, kAbsentTag, comm, &answer, MPI_STATUS_IGNORE); });
}

/// Messages of a rank to itself.
void time_messages(const Options& options, const char* where, MPI_Comm comm, int self) {
  int out = 1;
  int in = 0;
  std::array<MPI_Request, 2> requests{};
  time_calls(options, "Irecv, Isend, Waitall", where, 3, [&] {
    MPI_Irecv(&in, 1, MPI_INT, self, kTag, comm, &requests[0]);
    MPI_Isend(&out, 1, MPI_INT, self, kTag, comm, &requests[1]);
    MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE);
  });
  time_calls(options, "Irecv, Send, Wait", where, 3, [&] {
    MPI_Irecv(&in, 1, MPI_INT, self, kTag, comm, requests.data());
    MPI_Send(&out, 1, MPI_INT, self, kTag, comm);
    MPI_Wait(requests.data(), MPI_STATUS_IGNORE);
  });
  time_calls(options, "Sendrecv", where, 1,
             [&] { MPI_Sendrecv(&out, 1, MPI_INT, self, kTag, &in, 1, MPI_INT, self, kTag, comm, MPI_STATUS_IGNORE); });
  MPI_Recv_init(&in, 1, MPI_INT, self, kTag, comm, &requests[0]);
  MPI_Send_init(&out, 1, MPI_INT, self, kTag, comm, &requests[1]);
  time_calls(options, "Startall, Waitall", where, 2, [&] {
    MPI_Startall(2, requests.data());
    MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE);
  });
  for (MPI_Request& request : requests) MPI_Request_free(&request);
}

/// Collectives of one rank.
void time_collectives(const Options& options, const char* where, MPI_Comm comm) {
  int out = 1;
  int in = 0;
  time_calls(options, "Barrier", where, 1, [&] { MPI_Barrier(comm); });
  time_calls(options, "Bcast", where, 1, [&] { MPI_Bcast(&out, 1, MPI_INT, 0, comm); });
  time_calls(options, "Allreduce", where, 1, [&] { MPI_Allreduce(&out, &in, 1, MPI_INT, MPI_SUM, comm); });
}

/// Calls without a communicator.
void time_others(const Options& options) {
  int answer = 0;
  MPI_Request none = MPI_REQUEST_NULL;
  time_calls(options, "Type_size", "", 1, [&] { MPI_Type_size(MPI_DOUBLE, &answer); });
  time_calls(options, "Test of a null request", "", 1, [&] { MPI_Test(&none, &answer, MPI_STATUS_IGNORE); });
  time_calls(options, "Wait for a null request", "", 1, [&] { MPI_Wait(&none, MPI_STATUS_IGNORE); });
}

/// The same while a receive from a rank of another subject is under way (alone: of the last rank).
void time_while_receiving(const Options& options, MPI_Comm made) {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Request pending = MPI_REQUEST_NULL;
  int in = 0;
  MPI_Irecv(&in, 1, MPI_INT, size - 1, kAbsentTag, MPI_COMM_WORLD, &pending);
  time_queries(options, " while receiving", made, 0);
  time_messages(options, " while receiving", made, 0);
  MPI_Cancel(&pending);
  MPI_Wait(&pending, MPI_STATUS_IGNORE);
}

/// Does without a processor until rank 0 has done.
void stand_by(const Place& place) {
  for (int done = 0; done == 0;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    MPI_Iprobe(0, kDoneTag, place.comm, &done, MPI_STATUS_IGNORE);
  }
  MPI_Recv(nullptr, 0, MPI_CHAR, 0, kDoneTag, place.comm, MPI_STATUS_IGNORE);
}

/// Messages within the subject on the world, which may span subjects.
void time_world(const Place& place, const Options& options) {
  if (place.rank != 0) return stand_by(place);
  time_queries(options, " on MPI_COMM_WORLD", place.comm, 0);
  time_messages(options, " on MPI_COMM_WORLD", place.comm, 0);
  MPI_Send(nullptr, 0, MPI_CHAR, 1, kDoneTag, place.comm);
}

}  // namespace

void measure_overhead(const Place& place, const Options& options) {
  if (place.comm == MPI_COMM_WORLD) time_world(place, options);
  if (!place.inside) return;
  MPI_Comm made = MPI_COMM_NULL;
  MPI_Comm_split(place.comm, place.rank, 0, &made);
  if (place.rank == 0) {
    time_others(options);
    time_queries(options, " on the subject", place.comm, 0);
    time_messages(options, " on the subject", place.comm, 0);
    time_queries(options, " on MPI_COMM_SELF", MPI_COMM_SELF, 0);
    time_messages(options, " on MPI_COMM_SELF", MPI_COMM_SELF, 0);
    time_collectives(options, " on MPI_COMM_SELF", MPI_COMM_SELF);
    time_queries(options, " on a split one", made, 0);
    time_messages(options, " on a split one", made, 0);
    time_collectives(options, " on a split one", made);
    time_while_receiving(options, made);
    for (int rank = 1; rank < place.size; ++rank) MPI_Send(nullptr, 0, MPI_CHAR, rank, kDoneTag, place.comm);
  } else {
    stand_by(place);
  }
  MPI_Comm_free(&made);
}

}  // namespace sluice::bench
