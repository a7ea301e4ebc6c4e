// MPI_Comm_idup of communicators that span subjects, several at once: however the processes of a subject get on with
// them, and whatever they do next. Bare Open MPI 4.1 hangs on what is done here.
#include <array>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/integration/communicators.hpp"

namespace sluice::testing {
namespace {

constexpr std::size_t kAtOnce = 3;

using Copies = std::array<MPI_Comm, kAtOnce>;
using Requests = std::array<MPI_Request, kAtOnce>;

/// What is different at every process, and the same in every run.
class Whims {
 public:
  Whims() {
    int world = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &world);
    generator_.seed(static_cast<unsigned>(world) + 1);
    held_.fill(MPI_COMM_NULL);
  }

  /// A number below `bound`.
  std::size_t below(std::size_t bound) { return generator_() % bound; }

  /// Takes or gives back a context id of the host MPI. Processes then have to ask each other more than once.
  void take_context_id() {
    MPI_Comm& own = held_[below(held_.size())];
    if (own == MPI_COMM_NULL) {
      CHECK_EQ(MPI_Comm_dup(MPI_COMM_SELF, &own), MPI_SUCCESS);
    } else {
      CHECK_EQ(MPI_Comm_free(&own), MPI_SUCCESS);
    }
  }

  /// Gets on with what has been started, or not.
  void maybe_make_progress() {
    int flag = 0;
    if (below(2) == 0) MPI_Iprobe(MPI_ANY_SOURCE, 77, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE);
  }

  void give_all_back() {
    for (MPI_Comm& own : held_) {
      if (own != MPI_COMM_NULL) CHECK_EQ(MPI_Comm_free(&own), MPI_SUCCESS);
    }
  }

 private:
  std::minstd_rand generator_;
  std::array<MPI_Comm, 4> held_{};
};

void start(MPI_Comm parent, Whims& whims, Copies& made, Requests& requests) {
  made.fill(MPI_COMM_NULL);
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    whims.maybe_make_progress();
    CHECK_EQ(MPI_Comm_idup(parent, &made[i], &requests[i]), MPI_SUCCESS);
  }
}

void test_in_any_order(Whims& whims, Requests& requests) {
  std::size_t complete = 0;
  while (complete < kAtOnce) {
    MPI_Request& request = requests[whims.below(kAtOnce)];
    int flag = 0;
    if (request == MPI_REQUEST_NULL) continue;
    if (!CHECK_EQ(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), MPI_SUCCESS)) return;
    if (flag != 0) ++complete;
    if (flag == 0) std::this_thread::yield();  // ranks may outnumber processors
  }
}

/// Uses the copies, each in its host communicators too, and frees them.
void check_copies(Copies& made, const std::vector<int>& members, int value) {
  for (MPI_Comm& copy : made) {
    MPI_Comm child = MPI_COMM_NULL;
    CHECK_EQ(MPI_Comm_dup(copy, &child), MPI_SUCCESS);
    check_communicator(copy, members, value++);
    check_communicator(child, members, value++);
    CHECK_EQ(MPI_Comm_free(&child), MPI_SUCCESS);
    CHECK_EQ(MPI_Comm_free(&copy), MPI_SUCCESS);
  }
}

void several_at_once(const std::vector<int>& members, int rounds) {
  Whims whims;
  MPI_Comm parent = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &parent), MPI_SUCCESS);
  for (int round = 0; round < rounds; ++round) {
    Copies made;
    Requests requests;
    whims.take_context_id();
    start(parent, whims, made, requests);
    test_in_any_order(whims, requests);
    check_copies(made, members, round);
  }
  whims.give_all_back();
  CHECK_EQ(MPI_Comm_free(&parent), MPI_SUCCESS);
}

/// What all processes do next with the parent, and its end, do not wait for the program to complete its requests.
void used_and_freed_meanwhile(const std::vector<int>& members, int rounds) {
  Whims whims;
  for (int round = 0; round < rounds; ++round) {
    MPI_Comm parent = MPI_COMM_NULL, next = MPI_COMM_NULL, part = MPI_COMM_NULL;
    Copies made;
    Requests requests;
    CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &parent), MPI_SUCCESS);
    whims.take_context_id();
    start(parent, whims, made, requests);
    if (round % 2 == 0) CHECK_EQ(MPI_Comm_dup(parent, &next), MPI_SUCCESS);
    if (round % 3 == 0) CHECK_EQ(MPI_Comm_split(parent, 0, 0, &part), MPI_SUCCESS);
    CHECK_EQ(MPI_Comm_free(&parent), MPI_SUCCESS);
    CHECK_EQ(MPI_Waitall(kAtOnce, requests.data(), MPI_STATUSES_IGNORE), MPI_SUCCESS);
    check_copies(made, members, round);
    if (next != MPI_COMM_NULL) check_communicator(next, members, round);
    for (MPI_Comm comm : {next, part}) {
      if (comm != MPI_COMM_NULL) CHECK_EQ(MPI_Comm_free(&comm), MPI_SUCCESS);
    }
  }
  whims.give_all_back();
}

int copies_left = 0;

/// Lets an attribute be copied so many times, and no more.
int copy_or_fail(MPI_Comm, int, void*, void* in, void* out, int* flag) {
  *static_cast<void**>(out) = in;
  *flag = 1;
  return copies_left-- > 0 ? MPI_SUCCESS : MPI_ERR_OTHER;
}

/// One that fails says so, at once or when its turn has come, and the others go on.
void attributes_that_cannot_be_copied(const std::vector<int>& members) {
  MPI_Comm parent = MPI_COMM_NULL, failed = MPI_COMM_NULL, made = MPI_COMM_NULL;
  int key = MPI_KEYVAL_INVALID;
  CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &parent), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_set_errhandler(parent, MPI_ERRORS_RETURN), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_create_keyval(copy_or_fail, MPI_COMM_NULL_DELETE_FN, &key, nullptr), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_set_attr(parent, key, &key), MPI_SUCCESS);
  std::array<MPI_Request, 2> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  copies_left = 0;
  CHECK(MPI_Comm_idup(parent, &failed, requests.data()) != MPI_SUCCESS);
  CHECK(requests[0] == MPI_REQUEST_NULL);
  copies_left = 1;
  CHECK_EQ(MPI_Comm_idup(parent, &made, requests.data()), MPI_SUCCESS);
  int error = MPI_Comm_idup(parent, &failed, &requests[1]);
  CHECK_EQ(MPI_Wait(requests.data(), MPI_STATUS_IGNORE), MPI_SUCCESS);
  if (error == MPI_SUCCESS) error = MPI_Wait(&requests[1], MPI_STATUS_IGNORE);
  CHECK(error != MPI_SUCCESS);
  check_communicator(made, members, 1);
  CHECK_EQ(MPI_Comm_delete_attr(parent, key), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_delete_attr(made, key), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_free_keyval(&key), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_free(&made), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_free(&parent), MPI_SUCCESS);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;  // NOLINT(google-build-using-namespace)
  const Job job(&argc, &argv);
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 16;  // NOLINT(cert-err34-c)
  std::vector<int> members;
  for (int rank = 0; rank < job.size(); ++rank) members.push_back(rank);
  Verdict& verdict = Verdict::get();
  verdict.begin("several at once"), several_at_once(members, rounds);
  verdict.begin("used and freed meanwhile"), used_and_freed_meanwhile(members, rounds / 4);
  verdict.begin("attributes that cannot be copied"), attributes_that_cannot_be_copied(members);
  return Job::finish();
}
