// A low subject that writes down all it can observe without a clock: every return code, status and error text, its
// descriptors and its memory map. The harness runs it against high sides that behave differently and compares.
//
// usage: low_side FOLDER GATE [listen|quick|look FILE] [hold FILE]
//   FOLDER  where rank N writes trace.N
//   GATE    half-way through, wait until this file is there: the harness has then done to the high side what it will
//   listen  a positive control: also receive from the high side, for a policy that allows it
//   quick   fewer rounds
//   look    quick, and another positive control: see whether FILE is there, which nothing tells but a system call
//   hold    wait until FILE is there, then start again from the beginning: whoever watches system calls sees them all
#include <cstring>
#include <string>

#include "tests/trace/trace.hpp"

namespace sluice::testing {
namespace {

constexpr int kRounds = 4;
constexpr int kQuickRounds = 2;
constexpr int kSizes[] = {0, 1, 31, 4096, 16352, 16353, 65536, 300000, 1 << 20};

void sends(Trace& trace, int high) {
  for (const int bytes : kSizes) {
    const auto data = payload(static_cast<unsigned>(bytes), static_cast<std::size_t>(bytes));
    MPI_Request requests[3] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    MPI_Status statuses[3] = {cleared(), cleared(), cleared()};
    trace.value("bytes", bytes);
    trace.code("Send", MPI_Send(data.data(), bytes, MPI_BYTE, high, 1, MPI_COMM_WORLD));
    trace.code("Rsend", MPI_Rsend(data.data(), bytes, MPI_BYTE, high, 1, MPI_COMM_WORLD));
    trace.code("Isend", MPI_Isend(data.data(), bytes, MPI_BYTE, high, 2, MPI_COMM_WORLD, &requests[0]));
    trace.status("Wait", MPI_Wait(&requests[0], &statuses[0]), statuses[0]);
    trace.code("Isend", MPI_Isend(data.data(), bytes, MPI_BYTE, high, 3, MPI_COMM_WORLD, &requests[0]));
    int flag = 0, code = MPI_SUCCESS;
    while (flag == 0 && code == MPI_SUCCESS) code = MPI_Test(&requests[0], &flag, &statuses[0]);
    trace.status("Test", code, statuses[0]);
    for (MPI_Request& request : requests) {
      trace.code("Isend", MPI_Isend(data.data(), bytes, MPI_BYTE, high, 4, MPI_COMM_WORLD, &request));
    }
    trace.code("Cancel", MPI_Cancel(&requests[1]));
    trace.code("Waitall", MPI_Waitall(3, requests, statuses));
    for (const MPI_Status& status : statuses) trace.status("  of Waitall", MPI_SUCCESS, status);
  }
}

void refused(Trace& trace, int high) {
  int value = 1, flag = -1;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Status status = cleared();
  trace.code("Ssend", MPI_Ssend(&value, 1, MPI_INT, high, 1, MPI_COMM_WORLD));
  trace.code("Issend", MPI_Issend(&value, 1, MPI_INT, high, 1, MPI_COMM_WORLD, &request));
  trace.code("Recv", MPI_Recv(&value, 1, MPI_INT, high, 1, MPI_COMM_WORLD, &status));
  trace.code("Irecv", MPI_Irecv(&value, 1, MPI_INT, high, 1, MPI_COMM_WORLD, &request));
  trace.code("Probe", MPI_Probe(high, 1, MPI_COMM_WORLD, &status));
  trace.code("Iprobe", MPI_Iprobe(high, 1, MPI_COMM_WORLD, &flag, &status));
  trace.code("Iprobe any", MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &flag, &status));
  trace.value("flag", flag);
  trace.code("Sendrecv",
             MPI_Sendrecv(&value, 1, MPI_INT, high, 1, &flag, 1, MPI_INT, high, 1, MPI_COMM_WORLD, &status));
  trace.code("Barrier", MPI_Barrier(MPI_COMM_WORLD));
  trace.code("Bcast", MPI_Bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD));
  trace.code("Comm_dup", MPI_Comm_dup(MPI_COMM_WORLD, &comm));
  trace.code("Send to nobody", MPI_Send(&value, 1, MPI_INT, 99, 1, MPI_COMM_WORLD));
}

void queries(Trace& trace) {
  int count = 0, size = 0;
  MPIX_Subject_count(&count);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  trace.value("subjects", count);
  trace.value("size", size);
  for (int i = 0; i < count; ++i) {
    char label[MPIX_MAX_SUBJECT_LABEL] = "";
    int first = 0, ranks = 0, up = -1, down = -1;
    trace.code("Subject_label", MPIX_Subject_label(i, label));
    trace.code("Subject_ranks", MPIX_Subject_ranks(i, &first, &ranks));
    MPIX_Flow_allowed(0, i, &up);
    MPIX_Flow_allowed(i, 0, &down);
    trace.text("subject", Job::name_of(i) + " " + label + " from " + std::to_string(first) + " ranks " +
                              std::to_string(ranks) + " up " + std::to_string(up) + " down " + std::to_string(down));
  }
}

void within_the_subject(Trace& trace, const Job& job) {
  int inner = -1, size = 0, sum = 0;
  MPI_Comm_rank(MPI_COMM_SUBJECT, &inner);
  MPI_Comm_size(MPI_COMM_SUBJECT, &size);
  trace.code("Allreduce", MPI_Allreduce(&inner, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_SUBJECT));
  trace.value("sum", sum);
  int got = -1;
  MPI_Status status = cleared();
  if (size < 2) return;
  const int peer = job.rank() ^ 1;
  trace.status("Sendrecv within",
               MPI_Sendrecv(&sum, 1, MPI_INT, peer, 7, &got, 1, MPI_INT, MPI_ANY_SOURCE, 7, MPI_COMM_WORLD, &status),
               status);
}

/// The positive control: what a legal answer tells.
void listen(Trace& trace, int high) {
  int value = -1;
  MPI_Status status = cleared();
  trace.status("Recv", MPI_Recv(&value, 1, MPI_INT, high, 9, MPI_COMM_WORLD, &status), status);
  trace.value("answer", value);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  start_again_when_watched(argc, argv);
  const Job job(&argc, &argv);
  Trace trace(argv[1], job.rank());
  const int high = Job::rank_of("high");
  const std::string how = argc > 3 ? argv[3] : "";
  const int rounds = how == "quick" || how == "look" ? kQuickRounds : kRounds;
  for (int round = 0; round < rounds; ++round) {
    trace.value("round", round);
    if (round == rounds / 2) wait_for_gate(job, argv[2]);
    sends(trace, high);
    refused(trace, high);
    queries(trace);
    within_the_subject(trace, job);
    trace.text("descriptors", descriptors());
  }
  if (how == "listen") listen(trace, high);
  if (how == "look") static_cast<void>(!::access(argv[4], F_OK));
  return end_of(job, trace);
}
