// Collectives on a one-way chain. As subject `low`, writes down all that it can observe without a clock, as low_side
// does; the harness compares what it writes beside high sides that take part or do not.
//
// usage: collective_side FOLDER GATE MODE-FILE END-FILE [listen]
//   FOLDER, GATE         as for low_side
//   MODE-FILE, END-FILE  for the others: `taking part` in every legal collective, `idle` until END-FILE is there, or
//                        `absent`: to end before using MPI
//   listen               the positive control: also a broadcast from the high side, for a policy that allows it
#include <string>
#include <vector>

#include "tests/trace/trace.hpp"

namespace sluice::testing {
namespace {

constexpr int kRounds = 4;
constexpr int kSizes[] = {0, 1, 4096, 75000};

using Ints = std::vector<int>;

/// Buffers of one rank, for vectors of `count` ints.
struct Buffers {
  Buffers(const Job& job, int count)
      : mine(static_cast<std::size_t>(count), job.rank() + 1),
        result(static_cast<std::size_t>(count), -1),
        all(static_cast<std::size_t>(count) * static_cast<std::size_t>(job.size()), job.rank()) {}
  Ints mine, result, all;

  [[nodiscard]] std::string text() const { return result.empty() ? "-" : std::to_string(result.back()); }
};

/// Those that the chain carries. The last rank of the world is the highest.
void legal(Trace& trace, const Job& job) {
  const int top = job.size() - 1;
  for (const int count : kSizes) {
    Buffers b(job, count);
    trace.value("count", count);
    trace.code("Bcast", MPI_Bcast(b.mine.data(), count, MPI_INT, 0, MPI_COMM_WORLD));
    trace.code("Scatter",
               MPI_Scatter(b.all.data(), count, MPI_INT, b.result.data(), count, MPI_INT, 0, MPI_COMM_WORLD));
    trace.text("scattered", b.text());
    trace.code("Reduce", MPI_Reduce(b.mine.data(), b.result.data(), count, MPI_INT, MPI_SUM, top, MPI_COMM_WORLD));
    trace.text("result of another", b.text());
    trace.code("Gather", MPI_Gather(b.mine.data(), count, MPI_INT, b.all.data(), count, MPI_INT, top, MPI_COMM_WORLD));
    trace.code("Scan", MPI_Scan(b.mine.data(), b.result.data(), count, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    trace.text("prefix", b.text());
    trace.code("Exscan", MPI_Exscan(b.mine.data(), b.result.data(), count, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    trace.text("exclusive prefix", b.text());
  }
}

void nonblocking(Trace& trace, const Job& job) {
  Buffers one(job, 1000), two(job, 1000);
  MPI_Request requests[3] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  MPI_Status statuses[3] = {cleared(), cleared(), cleared()};
  trace.code("Ibcast", MPI_Ibcast(one.mine.data(), 1000, MPI_INT, 0, MPI_COMM_WORLD, &requests[0]));
  trace.code("Igather", MPI_Igather(two.mine.data(), 1000, MPI_INT, two.all.data(), 1000, MPI_INT, job.size() - 1,
                                    MPI_COMM_WORLD, &requests[1]));
  trace.code("Iscan",
             MPI_Iscan(two.mine.data(), two.result.data(), 1000, MPI_INT, MPI_SUM, MPI_COMM_WORLD, &requests[2]));
  trace.code("Waitall", MPI_Waitall(3, requests, statuses));
  trace.text("prefix", two.text());
}

void refused(Trace& trace, const Job& job) {
  int one = 1, sum = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  trace.code("Barrier", MPI_Barrier(MPI_COMM_WORLD));
  trace.code("Allreduce", MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
  trace.code("Bcast", MPI_Bcast(&one, 1, MPI_INT, job.size() - 1, MPI_COMM_WORLD));
  trace.code("Reduce", MPI_Reduce(&one, &sum, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD));
  trace.code("Ibarrier", MPI_Ibarrier(MPI_COMM_WORLD, &request));
  if (request != MPI_REQUEST_NULL) trace.code("Wait", MPI_Wait(&request, MPI_STATUS_IGNORE));
  for (int root = 0; root < job.size(); ++root) {
    int kinds = -1;
    trace.code("Comm_collectives", MPIX_Comm_collectives(MPI_COMM_WORLD, root, &kinds));
    trace.value("kinds", kinds);
  }
}

/// A communicator across the flow, used and freed.
void contexts(Trace& trace) {
  MPI_Comm lower = MPI_COMM_NULL;
  int value = 7, size = -1;
  trace.code("Comm_create_from_labels", MPIX_Comm_create_from_labels(nullptr, "SECRET", &lower));
  if (lower == MPI_COMM_NULL) return;
  MPI_Comm_size(lower, &size);
  trace.value("size", size);
  trace.code("Bcast", MPI_Bcast(&value, 1, MPI_INT, 0, lower));
  trace.code("Comm_free", MPI_Comm_free(&lower));
}

void round_of(Trace& trace, const Job& job) {
  legal(trace, job);
  nonblocking(trace, job);
  refused(trace, job);
  contexts(trace);
  trace.text("descriptors", descriptors());
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  std::string mode;
  std::getline(std::ifstream(argv[3]), mode);
  if (mode == "absent") return 0;
  const Job job(&argc, &argv);
  const bool low = job.is("low");
  const bool listens = argc > 5 && std::string(argv[5]) == "listen";
  if (!low) {
    std::puts("ready");
    std::fflush(stdout);
  }
  if (!low && mode == "idle") {
    await([argv] { return ::access(argv[4], F_OK) == 0; }, 50);
    return Job::finish();
  }
  Trace trace(low ? argv[1] : "/dev/null/none", job.rank());
  for (int round = 0; round < kRounds; ++round) {
    if (low && round == kRounds / 2) wait_for_gate(job, argv[2]);
    round_of(trace, job);
  }
  int value = low ? 0 : 4711;
  if (listens) trace.code("Bcast", MPI_Bcast(&value, 1, MPI_INT, job.size() - 1, MPI_COMM_WORLD));
  if (listens) trace.value("told", value);
  if (!low) return Job::finish();
  return end_of(job, trace);
}
