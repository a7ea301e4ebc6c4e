// Two subjects at work, for tests that break something meanwhile: `low` sends to `high` until a file is there.
//
// usage: worker HOW FILE NAME
//   HOW   work      go on until FILE is there (`low`), or until the sender has ended (`high`)
//         exit3     leave MPI and end with status 3
//         segfault  write to address 0
//         abort     call MPI_Abort with code 4
//   NAME  of the subject: not read, it tells the processes apart from outside
#include <unistd.h>

#include <csignal>
#include <string>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

void send_until(const char* file) {
  for (int i = 0; ::access(file, F_OK) != 0; ++i) {
    CHECK_EQ(send_int(i, Job::rank_of("high"), 1), MPI_SUCCESS);
    ::usleep(2000);
  }
}

/// Every message in order, and then the end.
void receive_until_ended() {
  for (int i = 0;; ++i) {
    int value = -1;
    const int code = MPI_Recv(&value, 1, MPI_INT, Job::rank_of("low"), 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS) {
      CHECK_EQ(error_class(code), MPIX_ERR_ENDED);
      return;
    }
    if (!CHECK_EQ(value, i)) return;
  }
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const std::string how = argv[1];
  const Job job(&argc, &argv);
  static const char kUp[] = "is up\n";
  CHECK_EQ(::write(STDOUT_FILENO, kUp, sizeof kUp - 1), sizeof kUp - 1);
  if (how == "segfault") {
    std::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
  }
  if (how == "abort") MPI_Abort(MPI_COMM_WORLD, 4);
  if (how == "work") job.is("low") ? send_until(argv[2]) : receive_until_ended();
  const int code = Job::finish();
  return how == "exit3" ? 3 : code;
}
