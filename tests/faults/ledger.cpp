// Two subjects that keep books of every message, for tests that kill and stop processes meanwhile.
//
// usage: ledger FOLDER SECONDS
//   `low`   each rank sends for SECONDS, and after each MPI_Send writes a line `sent NUMBER` to FOLDER/RANK
//   `high`  receives until every sender has ended, and writes to FOLDER/RANK `got SOURCE NUMBER`, `missed SOURCE`,
//           `cut SOURCE` for a message whose sender ended in the middle of it, `bad SOURCE` for one that is not what
//           was sent, and at last `done`
// Lines are written at once, by one write each, so that a process that is killed leaves whole lines.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr int kTag = 1;
constexpr std::size_t kLargest = 60000;

class Book {
 public:
  Book(const std::string& folder, int rank)
      : file_(::open((folder + "/" + std::to_string(rank)).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}
  void line(const std::string& text) const {
    const std::string whole = text + "\n";
    CHECK_EQ(::write(file_, whole.data(), whole.size()), whole.size());
  }

 private:
  int file_;
};

/// Message `number` of a rank: its number, and bytes that follow from rank and number.
std::vector<std::byte> message(int rank, std::uint64_t number) {
  const std::uint64_t seed = mixed(static_cast<std::uint64_t>(rank), number);
  std::vector<std::byte> data = payload(seed, sizeof number + seed % (seed % 8 == 0 ? kLargest : 2000));
  std::memcpy(data.data(), &number, sizeof number);
  return data;
}

void send_for(const Job& job, const Book& book, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (std::uint64_t number = 0; std::chrono::steady_clock::now() < end; ++number) {
    if (send_bytes(message(job.rank(), number), Job::rank_of("high"), kTag) != MPI_SUCCESS) return;
    book.line("sent " + std::to_string(number));
    if (number % 16 == 0) ::usleep(500);
  }
}

void receive_until_ended(const Book& book) {
  std::vector<std::byte> data(kLargest + sizeof(std::uint64_t));
  for (;;) {
    MPI_Status status;
    const int code =
        MPI_Recv(data.data(), static_cast<int>(data.size()), MPI_BYTE, MPI_ANY_SOURCE, kTag, MPI_COMM_WORLD, &status);
    if (code != MPI_SUCCESS && error_class(code) != MPIX_ERR_MISSED) {
      CHECK_EQ(error_class(code), MPIX_ERR_ENDED);
      if (status.MPI_SOURCE == MPI_ANY_SOURCE) return book.line("done");
      book.line("cut " + std::to_string(status.MPI_SOURCE));
      continue;
    }
    const std::string source = " " + std::to_string(status.MPI_SOURCE);
    if (code != MPI_SUCCESS) {
      book.line("missed" + source);
      continue;
    }
    int count = 0;
    MPI_Get_count(&status, MPI_BYTE, &count);
    std::uint64_t number = 0;
    std::memcpy(&number, data.data(), sizeof number);
    const std::vector<std::byte> wanted = message(status.MPI_SOURCE, number);
    const bool good =
        static_cast<std::size_t>(count) == wanted.size() && std::memcmp(data.data(), wanted.data(), wanted.size()) == 0;
    book.line(good ? "got" + source + " " + std::to_string(number) : "bad" + source);
  }
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  if (argc < 3) return 2;
  const Job job(&argc, &argv, 40);
  const Book book(argv[1], job.rank());
  if (job.is("low")) {
    send_for(job, book, std::atof(argv[2]));
  } else {
    receive_until_ended(book);
  }
  return Job::finish();
}
