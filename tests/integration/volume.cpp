// Much data at once.
//
// usage: volume WHAT [FILE]
//   giant      `low` sends one message of 1 GiB, `high` receives it
//   both-ways  the two subjects exchange 64 MiB each at the same time
//   pile       `low` sends 100 MiB in messages; `high` makes no MPI call until FILE is there, and then receives them
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kGiB = std::size_t{1} << 30;
constexpr int kPileMessages = 100;

/// Compared piece by piece, so that no second copy of a large message is needed.
void check_pieces(const std::byte* data, std::size_t bytes, std::uint64_t seed) {
  for (std::size_t at = 0; at < bytes; at += kMiB) {
    if (!CHECK(std::memcmp(data + at, payload(seed + at, kMiB).data(), kMiB) == 0)) return;
  }
}

std::vector<std::byte> pieces(std::size_t bytes, std::uint64_t seed) {
  std::vector<std::byte> data(bytes);
  for (std::size_t at = 0; at < bytes; at += kMiB) std::memcpy(data.data() + at, payload(seed + at, kMiB).data(), kMiB);
  return data;
}

void giant(const Job& job) {
  constexpr int kBytes = static_cast<int>(kGiB);
  if (job.is("low")) {
    const std::vector<std::byte> data = pieces(kGiB, 1);
    CHECK_EQ(MPI_Send(data.data(), kBytes, MPI_BYTE, Job::rank_of("high"), 1, MPI_COMM_WORLD), MPI_SUCCESS);
    return;
  }
  std::vector<std::byte> data(kGiB);
  MPI_Status status;
  CHECK_EQ(MPI_Recv(data.data(), kBytes, MPI_BYTE, Job::rank_of("low"), 1, MPI_COMM_WORLD, &status), MPI_SUCCESS);
  int count = 0;
  MPI_Get_count(&status, MPI_BYTE, &count);
  CHECK_EQ(count, kBytes);
  check_pieces(data.data(), kGiB, 1);
}

void both_ways(const Job& job) {
  constexpr std::size_t kBytes = 64 * kMiB;
  const int peer = Job::rank_of(job.is("low") ? "high" : "low");
  const std::vector<std::byte> sent = pieces(kBytes, static_cast<unsigned>(job.rank()));
  std::vector<std::byte> got(kBytes);
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Irecv(got.data(), static_cast<int>(kBytes), MPI_BYTE, peer, 1, MPI_COMM_WORLD, &request);
  meet(peer);
  CHECK_EQ(MPI_Send(sent.data(), static_cast<int>(kBytes), MPI_BYTE, peer, 1, MPI_COMM_WORLD), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  check_pieces(got.data(), kBytes, static_cast<unsigned>(peer));
}

void pile(const Job& job, const char* file) {
  if (job.is("low")) {
    for (int i = 0; i < kPileMessages; ++i) {
      CHECK_EQ(send_bytes(payload(static_cast<unsigned>(i), kMiB), Job::rank_of("high"), 1), MPI_SUCCESS);
    }
    std::puts("all sent");
    return;
  }
  CHECK(await([file] { return ::access(file, F_OK) == 0; }, 50));
  std::vector<std::byte> got(kMiB);
  for (int i = 0; i < kPileMessages; ++i) {
    CHECK_EQ(MPI_Recv(got.data(), static_cast<int>(kMiB), MPI_BYTE, Job::rank_of("low"), 1, MPI_COMM_WORLD,
                      MPI_STATUS_IGNORE),
             MPI_SUCCESS);
    CHECK(got == payload(static_cast<unsigned>(i), kMiB));
  }
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const std::string what = argc > 1 ? argv[1] : "";
  const Job job(&argc, &argv);
  Verdict::get().begin("volume");
  if (what == "giant") giant(job);
  if (what == "both-ways") both_ways(job);
  if (what == "pile") pile(job, argv[2]);
  return Job::finish();
}
