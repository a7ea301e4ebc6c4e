// What the policy forbids is refused, with class MPIX_ERR_FLOW and a text that says why, before any data moves. `low`
// may send to `high`; `other` may send to nobody and hear from nobody.
//
// usage: refusals [fatal]
//   fatal: `high` sends down with the default error handler, which must end it
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "tests/integration/refused_calls.hpp"
#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

/// Labels of the subjects, as the policy of the test has them.
std::string label_of(const std::string& name) {
  int subject = -1;
  char label[MPIX_MAX_SUBJECT_LABEL] = "";
  MPIX_Subject_of_rank(Job::rank_of(name), &subject);
  MPIX_Subject_label(subject, label);
  return label;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The code is MPIX_ERR_FLOW, and its text names the call, both subjects with their labels, the policy's line, and a
/// way out. Each text is printed for the harness, which knows the lines.
void check_refused(int code, const char* call, const std::string& from, const std::string& to) {
  const std::string text = error_text(code);
  if (!CHECK_EQ(error_class(code), MPIX_ERR_FLOW)) {
    std::fprintf(stderr, "%s %s -> %s: %s\n", call, from.c_str(), to.c_str(), text.c_str());
    return;
  }
  CHECK(contains(text, call));
  CHECK(contains(text, from) && contains(text, label_of(from)));
  CHECK(contains(text, to) && contains(text, label_of(to)));
  CHECK(contains(text, "line "));
  std::printf("REFUSED %s %s %s: %s\n", call, from.c_str(), to.c_str(), text.c_str());
}

/// All sends from this subject to `to`, for which there is no flow.
void sends_without_a_flow(const Job& job, const std::string& to) {
  const int rank = Job::rank_of(to);
  const std::string me = job.name();
  int value = 1, back = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  check_refused(MPI_Send(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD), "MPI_Send", me, to);
  check_refused(MPI_Send(nullptr, 0, MPI_INT, rank, 1, MPI_COMM_WORLD), "MPI_Send", me, to);
  check_refused(MPI_Ssend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD), "MPI_Ssend", me, to);
  check_refused(MPI_Rsend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD), "MPI_Rsend", me, to);
  check_refused(MPI_Bsend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD), "MPI_Bsend", me, to);
  check_refused(MPI_Isend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &request), "MPI_Isend", me, to);
  check_refused(MPI_Issend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &request), "MPI_Issend", me, to);
  check_refused(MPI_Irsend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &request), "MPI_Irsend", me, to);
  check_refused(MPI_Ibsend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &request), "MPI_Ibsend", me, to);
  check_refused(MPI_Send_init(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &request), "MPI_Send_init", me, to);
  check_refused(
      MPI_Sendrecv(&value, 1, MPI_INT, rank, 1, &back, 1, MPI_INT, MPI_PROC_NULL, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
      "MPI_Sendrecv", me, to);
  check_refused(MPI_Sendrecv_replace(&value, 1, MPI_INT, rank, 1, MPI_PROC_NULL, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
                "MPI_Sendrecv_replace", me, to);
}

/// All receives from a subject that may not send here.
void receives_without_a_flow(const Job& job, const std::string& from) {
  const int rank = Job::rank_of(from);
  const std::string me = job.name();
  int value = 1, back = 0, flag = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status;
  check_refused(MPI_Recv(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &status), "MPI_Recv", from, me);
  check_refused(MPI_Irecv(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &request), "MPI_Irecv", from, me);
  check_refused(MPI_Probe(rank, 1, MPI_COMM_WORLD, &status), "MPI_Probe", from, me);
  check_refused(MPI_Iprobe(rank, 1, MPI_COMM_WORLD, &flag, &status), "MPI_Iprobe", from, me);
  check_refused(MPI_Mprobe(rank, 1, MPI_COMM_WORLD, &message, &status), "MPI_Mprobe", from, me);
  check_refused(MPI_Improbe(rank, 1, MPI_COMM_WORLD, &flag, &message, &status), "MPI_Improbe", from, me);
  check_refused(MPI_Recv_init(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &request), "MPI_Recv_init", from, me);
  check_refused(MPI_Sendrecv(&value, 1, MPI_INT, MPI_PROC_NULL, 1, &back, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &status),
                "MPI_Sendrecv", from, me);
}

/// Completion of a synchronous send would tell `low` what `high` does.
void synchronous_sends(const Job& job) {
  const int rank = Job::rank_of("high");
  const int value = 1;
  MPI_Request request = MPI_REQUEST_NULL;
  check_refused(MPI_Ssend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD), "MPI_Ssend", job.name(), "high");
  check_refused(MPI_Issend(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &request), "MPI_Issend", job.name(), "high");
  check_refused(MPI_Ssend_init(&value, 1, MPI_INT, rank, 1, MPI_COMM_WORLD, &request), "MPI_Ssend_init", job.name(),
                "high");
}

void calls_that_need_everyone(const Job& job) {
  for (const RefusedCall& refused : refused_calls()) {
    const int code = refused.call(MPI_COMM_WORLD);
    const std::string text = error_text(code);
    if (!CHECK_EQ(error_class(code), MPIX_ERR_FLOW)) std::fprintf(stderr, "%s: %s\n", refused.name, text.c_str());
    CHECK(contains(text, std::string(refused.name) + " "));
    CHECK(contains(text, "line "));
    CHECK(contains(text, " may not send to "));
    // A collective names the pair of subjects that breaks it, at every rank the same.
    CHECK(contains(text, refused.collective ? "low (" : job.name() + " (" + label_of(job.name()) + ")"));
    std::printf("REFUSED %s everyone: %s\n", refused.name, text.c_str());
  }
  CHECK(::access("/tmp/refused", F_OK) != 0);
}

/// Inside the subject all of this is the host MPI's.
void subject_is_untouched() {
  int rank = -1, size = 0, sum = 0, value = 1;
  MPI_Comm_rank(MPI_COMM_SUBJECT, &rank);
  MPI_Comm_size(MPI_COMM_SUBJECT, &size);
  MPI_Comm dup = MPI_COMM_NULL, half = MPI_COMM_NULL;
  CHECK_EQ(MPI_Barrier(MPI_COMM_SUBJECT), MPI_SUCCESS);
  CHECK_EQ(MPI_Allreduce(&value, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_SUBJECT), MPI_SUCCESS);
  CHECK_EQ(sum, size);
  CHECK_EQ(MPI_Comm_dup(MPI_COMM_SUBJECT, &dup), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_split(dup, rank % 2, 0, &half), MPI_SUCCESS);
  std::vector<int> all(static_cast<std::size_t>(size), -1);
  CHECK_EQ(MPI_Allgather(&rank, 1, MPI_INT, all.data(), 1, MPI_INT, dup), MPI_SUCCESS);
  for (int i = 0; i < size; ++i) CHECK_EQ(all[static_cast<std::size_t>(i)], i);
  int color = rank % 2;
  CHECK_EQ(MPI_Bcast(&color, 1, MPI_INT, 0, half), MPI_SUCCESS);
  CHECK_EQ(color, rank % 2);
  MPI_Win window;
  int* memory = nullptr;
  CHECK_EQ(MPI_Win_allocate(sizeof(int), sizeof(int), MPI_INFO_NULL, dup, &memory, &window), MPI_SUCCESS);
  CHECK_EQ(MPI_Win_fence(0, window), MPI_SUCCESS);
  MPI_Win_free(&window);
  MPI_File file;
  CHECK_EQ(MPI_File_open(dup, "/tmp/within", MPI_MODE_CREATE | MPI_MODE_RDWR, MPI_INFO_NULL, &file), MPI_SUCCESS);
  CHECK_EQ(MPI_File_write_at(file, static_cast<MPI_Offset>(rank) * 4, &rank, 1, MPI_INT, MPI_STATUS_IGNORE),
           MPI_SUCCESS);
  MPI_File_close(&file);
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(MPI_Ibarrier(dup, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  MPI_Comm_free(&half);
  MPI_Comm_free(&dup);
}

void forbidden(const Job& job) {
  const bool low = job.is("low"), high = job.is("high");
  if (!low) sends_without_a_flow(job, "low");
  if (!high && !low) sends_without_a_flow(job, "high");
  sends_without_a_flow(job, job.is("other") ? "high" : "other");
  if (!high) receives_without_a_flow(job, "high");
  if (!job.is("other")) receives_without_a_flow(job, "other");
  if (low) synchronous_sends(job);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv);
  if (argc > 1 && std::strcmp(argv[1], "fatal") == 0) {
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL);
    if (job.is("high") && job.inner() == 0) send_int(1, Job::rank_of("low"), 1);
    return Job::finish();
  }
  Verdict::get().begin("forbidden");
  forbidden(job);
  Verdict::get().begin("calls_that_need_everyone");
  calls_that_need_everyone(job);
  Verdict::get().begin("subject_is_untouched");
  subject_is_untouched();
  // The one allowed message still arrives after all of this, and is the first to do so.
  Verdict::get().begin("allowed");
  if (job.is("low") && job.inner() == 0) CHECK_EQ(send_int(42, Job::rank_of("high"), 1), MPI_SUCCESS);
  if (job.is("high") && job.inner() == 0) CHECK_EQ(receive_int(MPI_ANY_SOURCE, MPI_ANY_TAG), 42);
  return Job::finish();
}
