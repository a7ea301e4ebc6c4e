// What the others notice when a subject ends. `low` may send to `high`, and `high` to `top`.
//
// usage: endings HOW [FILE]
//   finalize  `low` sends three messages and finalizes
//   abort     `low` does the same and calls MPI_Abort
//   cut       `low` is killed in the middle of a large message, after three whole ones
//   first     `high` ends before `low` sends: `low` goes on when FILE is there
//   failing   like `first`, but `high` calls MPI_Abort
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr int kMessages = 3;
constexpr std::size_t kMiB = std::size_t{1} << 20;

void send_some() {
  for (int i = 0; i < kMessages; ++i) CHECK_EQ(send_int(i, Job::rank_of("high"), 1), MPI_SUCCESS);
}

/// Sends a message whose second half cannot be read: the send itself is where this process dies, by SIGKILL.
[[noreturn]] void die_in_the_middle() {
  constexpr std::size_t kBytes = 64 * kMiB;
  void* data = ::mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ::mprotect(static_cast<std::byte*>(data) + kBytes / 2, kBytes / 2, PROT_NONE);
  std::signal(SIGSEGV, [](int) { ::kill(::getpid(), SIGKILL); });
  MPI_Send(data, static_cast<int>(kBytes), MPI_BYTE, Job::rank_of("high"), 1, MPI_COMM_WORLD);
  std::fprintf(stderr, "FAILED: survived its own large message\n");
  ::_exit(1);
}

int low(const std::string& how, const char* file) {
  if (how == "first" || how == "failing") {
    CHECK(await([file] { return ::access(file, F_OK) == 0; }, 30));
    CHECK_EQ(send_bytes(payload(1, 20 * kMiB), Job::rank_of("high"), 1), MPI_SUCCESS);
  }
  send_some();
  if (how == "abort") MPI_Abort(MPI_COMM_WORLD, 7);
  if (how == "cut") die_in_the_middle();
  return Job::finish();
}

void check_ended(int code, const char* from) {
  CHECK_EQ(error_class(code), MPIX_ERR_ENDED);
  CHECK(error_text(code).find(from) != std::string::npos);
}

/// Who only looks whether anybody has sent something is told that nobody has.
void looks_without_hope() {
  int flag = -1;
  MPI_Message message = MPI_MESSAGE_NULL;
  CHECK_EQ(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  CHECK_EQ(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &flag, &message, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
}

/// When all others have ended, a rank may still send to itself. Only if it waits instead, nothing more can come.
void own_messages_still_come() {
  int sent = 4, got = 0, flag = -1, self = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &self);
  MPI_Status status;
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(MPI_Sendrecv(&sent, 1, MPI_INT, self, 1, &got, 1, MPI_INT, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, &status),
           MPI_SUCCESS);
  CHECK(got == 4 && status.MPI_SOURCE == self);
  CHECK_EQ(MPI_Irecv(&got, 1, MPI_INT, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Test(&request, &flag, &status), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  looks_without_hope();
  sent = 5;
  CHECK_EQ(MPI_Send(&sent, 1, MPI_INT, self, 1, MPI_COMM_WORLD), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
  CHECK(got == 5 && status.MPI_SOURCE == self);
  CHECK_EQ(MPI_Irecv(&got, 1, MPI_INT, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, &request), MPI_SUCCESS);
  CHECK_EQ(error_class(MPI_Wait(&request, &status)), MPIX_ERR_ENDED);
}

/// Everything that a receive from a subject that has ended can be.
void every_call_says_ended(int source) {
  int value = 0, flag = -1, index = -1;
  MPI_Status status;
  MPI_Request request = MPI_REQUEST_NULL;
  check_ended(MPI_Recv(&value, 1, MPI_INT, source, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE), "low");
  check_ended(MPI_Recv(&value, 1, MPI_INT, source, MPI_ANY_TAG, MPI_COMM_WORLD, &status), "low");
  check_ended(MPI_Probe(source, 1, MPI_COMM_WORLD, &status), "low");
  CHECK_EQ(MPI_Irecv(&value, 1, MPI_INT, source, 1, MPI_COMM_WORLD, &request), MPI_SUCCESS);
  check_ended(MPI_Wait(&request, &status), "low");
  CHECK(request == MPI_REQUEST_NULL);
  CHECK_EQ(MPI_Irecv(&value, 1, MPI_INT, source, 1, MPI_COMM_WORLD, &request), MPI_SUCCESS);
  check_ended(MPI_Test(&request, &flag, &status), "low");
  CHECK_EQ(MPI_Irecv(&value, 1, MPI_INT, source, 1, MPI_COMM_WORLD, &request), MPI_SUCCESS);
  check_ended(MPI_Waitany(1, &request, &index, &status), "low");
  std::array<MPI_Request, 2> pair{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  std::array<MPI_Status, 2> statuses{};
  CHECK_EQ(MPI_Irecv(&value, 1, MPI_INT, source, 1, MPI_COMM_WORLD, &pair[1]), MPI_SUCCESS);
  CHECK_EQ(error_class(MPI_Waitall(2, pair.data(), statuses.data())), MPI_ERR_IN_STATUS);
  check_ended(statuses[1].MPI_ERROR, "low");
  own_messages_still_come();
  // This subject has one rank and one inflow: nobody is left who could send.
  CHECK_EQ(error_class(MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE)),
           MPIX_ERR_ENDED);
  CHECK_EQ(error_class(MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &status)), MPIX_ERR_ENDED);
}

int high(const std::string& how) {
  if (how == "first") return Job::finish();
  if (how == "failing") return MPI_Abort(MPI_COMM_WORLD, 9);
  const int source = Job::rank_of("low");
  // Posted while `low` may be alive: one that its end has to complete, and one that must still get its message.
  int never = 0;
  std::vector<std::byte> large(65 * kMiB);
  std::array<MPI_Request, 2> posted{};
  MPI_Irecv(&never, 1, MPI_INT, source, 99, MPI_COMM_WORLD, posted.data());
  for (int i = 0; i < kMessages - 1; ++i) CHECK_EQ(receive_int(source, 1), i);
  int last = -1;
  MPI_Irecv(&last, 1, MPI_INT, source, 1, MPI_COMM_WORLD, &posted[1]);
  CHECK_EQ(MPI_Wait(&posted[1], MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(last, kMessages - 1);
  if (how == "cut") {
    check_ended(
        MPI_Recv(large.data(), static_cast<int>(large.size()), MPI_BYTE, source, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
        "low");
  }
  check_ended(MPI_Wait(posted.data(), MPI_STATUS_IGNORE), "low");
  every_call_says_ended(source);
  CHECK_EQ(send_int(5, Job::rank_of("top"), 2), MPI_SUCCESS);
  return Job::finish();
}

int top(const std::string& how) {
  const int source = Job::rank_of("high");
  int value = 0;
  if (how == "first" || how == "failing") {
    check_ended(MPI_Recv(&value, 1, MPI_INT, source, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE), "high");
  } else {
    CHECK_EQ(receive_int(source, 2), 5);
  }
  return Job::finish();
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv, 45);
  const std::string how = argc > 1 ? argv[1] : "";
  Verdict::get().begin("endings");
  if (job.is("low")) return low(how, argc > 2 ? argv[2] : "");
  return job.is("high") ? high(how) : top(how);
}
