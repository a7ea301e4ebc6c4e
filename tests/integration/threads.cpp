// Four threads of a rank of `low` send to four threads of a rank of `high`, each pair with its own tag; and back where
// the policy lets them.
#include <thread>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr int kThreads = 4;
constexpr int kMessages = 200;

std::size_t size_of(int tag, int i) { return mixed(static_cast<unsigned>(tag), static_cast<unsigned>(i)) % 40000; }

void send_all(int peer, int tag) {
  for (int i = 0; i < kMessages; ++i) {
    CHECK_EQ(send_bytes(payload(static_cast<unsigned>(tag * kMessages + i), size_of(tag, i)), peer, tag), MPI_SUCCESS);
  }
}

void receive_all(int peer, int tag) {
  for (int i = 0; i < kMessages; ++i) {
    std::vector<std::byte> got(40000);
    MPI_Status status;
    if (i % 2 == 0) {
      CHECK_EQ(MPI_Recv(got.data(), 40000, MPI_BYTE, peer, tag, MPI_COMM_WORLD, &status), MPI_SUCCESS);
    } else {
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Irecv(got.data(), 40000, MPI_BYTE, MPI_ANY_SOURCE, tag, MPI_COMM_WORLD, &request);
      CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
    }
    int bytes = 0;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    CHECK_EQ(bytes, size_of(tag, i));
    got.resize(size_of(tag, i));
    CHECK(got == payload(static_cast<unsigned>(tag * kMessages + i), size_of(tag, i)));
  }
}

/// Odd threads talk back: send and receive go on in one process at the same time.
void talk(const Job& job, int peer, int tag) {
  const bool back = tag % 2 == 1;
  if (job.is("low") != back) {
    send_all(peer, tag);
  } else {
    receive_all(peer, tag);
  }
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv, 60, MPI_THREAD_MULTIPLE);
  Verdict::get().begin("threads");
  if (!CHECK_EQ(job.threads(), MPI_THREAD_MULTIPLE)) return Job::finish();
  const int peer = Job::rank_of(job.is("low") ? "high" : "low");
  std::vector<std::thread> threads;
  for (int tag = 0; tag < kThreads; ++tag) threads.emplace_back([&job, peer, tag] { talk(job, peer, tag); });
  for (std::thread& thread : threads) thread.join();
  return Job::finish();
}
