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

/// What is made from an intercommunicator: the lower side chooses its last rank, the higher one stays as it is.
void children_of(Trace& trace, const Job& job, MPI_Comm inter) {
  MPI_Comm copy = MPI_COMM_NULL, chosen = MPI_COMM_NULL, split = MPI_COMM_NULL;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Group all = MPI_GROUP_NULL, last = MPI_GROUP_NULL;
  int size = 0, value = job.rank();
  trace.code("Comm_idup", MPI_Comm_idup(inter, &copy, &request));
  trace.code("Wait", MPI_Wait(&request, MPI_STATUS_IGNORE));
  MPI_Comm_group(inter, &all);
  MPI_Group_size(all, &size);
  const int rank = size - 1;
  MPI_Group_incl(all, 1, &rank, &last);
  trace.code("Comm_create", MPI_Comm_create(inter, job.is("low") ? last : all, &chosen));
  trace.code("Comm_split", MPI_Comm_split(inter, 0, 0, &split));
  if (chosen != MPI_COMM_NULL && job.is("low")) trace.code("Send", MPI_Send(&value, 1, MPI_INT, 0, 6, chosen));
  for (MPI_Comm* comm : {&copy, &chosen, &split}) {
    if (*comm != MPI_COMM_NULL) trace.code("Comm_free", MPI_Comm_free(comm));
  }
  MPI_Group_free(&last);
  MPI_Group_free(&all);
}

void upwards(Trace& trace, const Job& job) {
  if (job.is("top")) return;
  MPI_Comm inter = MPI_COMM_NULL;
  const int other = Job::rank_of(job.is("low") ? "high" : "low");
  MPI_Comm_set_errhandler(MPI_COMM_SUBJECT, MPI_ERRORS_RETURN);
  trace.code("Intercomm_create", MPI_Intercomm_create(MPI_COMM_SUBJECT, 0, MPI_COMM_WORLD, other, 5, &inter));
  if (inter == MPI_COMM_NULL) return;
  MPI_Comm_set_errhandler(inter, MPI_ERRORS_RETURN);
  children_of(trace, job, inter);
  trace.code("Comm_free", MPI_Comm_free(&inter));
}

/// Along edges that climb; where `closed`, also along one from the last rank to the first.
void along_edges(Trace& trace, const Job& job, bool closed) {
  const int size = job.size(), weight = 1, mine = job.rank();
  const int below = (mine + size - 1) % size, above = (mine + 1) % size;
  MPI_Comm line = MPI_COMM_NULL;
  int got = -1;
  trace.code(
      "Dist_graph_create_adjacent",
      MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, closed || mine > 0 ? 1 : 0, &below, &weight,
                                     closed || mine + 1 < size ? 1 : 0, &above, &weight, MPI_INFO_NULL, 0, &line));
  trace.code("Neighbor_allgather", MPI_Neighbor_allgather(&mine, 1, MPI_INT, &got, 1, MPI_INT, line));
  trace.value("from below", got);
  trace.code("Comm_free", MPI_Comm_free(&line));
}

void round_of(Trace& trace, const Job& job) {
  legal(trace, job);
  nonblocking(trace, job);
  refused(trace, job);
  contexts(trace);
  upwards(trace, job);
  along_edges(trace, job, false);
  along_edges(trace, job, true);
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
