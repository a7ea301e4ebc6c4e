// The high sides that a low subject must not be able to tell apart, and the subject above them.
//
// usage: high_side MODE-FILE END-FILE
// As subject `high`, it does what MODE-FILE says:
//   absent     ends before it uses MPI
//   idle       does nothing until END-FILE is there
//   receiving  takes all that comes until there is nothing more
//   flooding   sends to `top` without a pause until END-FILE is there
//   crashing   receives, and writes to address 0 once END-FILE's folder has `half`
//   answering  sends one number to every rank of `low`, if the policy lets it
// As subject `top` it receives until nothing more can come.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 20;

void receive_all() {
  std::vector<std::byte> buffer(kLargest);
  while (MPI_Recv(buffer.data(), static_cast<int>(buffer.size()), MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
                  MPI_STATUS_IGNORE) == MPI_SUCCESS) {
  }
}

/// Takes messages until the file is there, and dies by a signal.
void receive_and_crash(const std::string& file) {
  std::vector<std::byte> buffer(kLargest);
  while (::access(file.c_str(), F_OK) != 0) {
    int flag = 0;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE);
    if (flag == 0) continue;
    MPI_Recv(buffer.data(), static_cast<int>(buffer.size()), MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
  }
  std::signal(SIGSEGV, SIG_DFL);
  ::raise(SIGSEGV);
}

void flood(const char* end) {
  const std::vector<std::byte> data = payload(1, 100000);
  while (::access(end, F_OK) != 0) send_bytes(data, Job::rank_of("top"), 1);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  std::string mode;
  std::ifstream(argv[1]) >> mode;
  const char* end = argv[2];
  if (mode == "absent") return 0;
  const Job job(&argc, &argv);
  std::puts("ready");
  std::fflush(stdout);
  if (job.is("top") || mode == "receiving") receive_all();
  if (job.is("high") && mode == "idle") await([end] { return ::access(end, F_OK) == 0; }, 50);
  if (job.is("high") && mode == "flooding") flood(end);
  if (job.is("high") && mode == "crashing") {
    receive_and_crash(std::string(end, std::string(end).rfind('/') + 1) + "half");
  }
  if (job.is("high") && mode == "answering") {
    for (int rank = 0; rank < Job::rank_of("high"); ++rank)
      CHECK_EQ(send_int(4711, Job::rank_of("low", rank), 9), MPI_SUCCESS);
  }
  return Job::finish();
}
