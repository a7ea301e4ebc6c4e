// Who waits for another subject lets the host MPI finish what ranks of the own subject wait for.
//
// All but the last rank are of one subject. Each of ranks 1, 2 ... sends to rank 0 more than the host MPI takes at
// once, and then to the last rank; rank 0 receives all of it and then waits for the last rank, which has waited for the
// others. A host MPI may tell a sender only when the receiver calls it again that all has been received.
#include <mpi.h>

#include <array>
#include <cstdio>
#include <vector>

namespace {

constexpr int kRounds = 30;
constexpr int kWindow = 64;
constexpr int kBytes = 65536;

void send_all(std::vector<char>& buffer) {
  std::array<MPI_Request, kWindow> requests{};
  for (MPI_Request& request : requests) MPI_Isend(buffer.data(), kBytes, MPI_CHAR, 0, 0, MPI_COMM_WORLD, &request);
  MPI_Waitall(kWindow, requests.data(), MPI_STATUSES_IGNORE);
}

void receive_all(std::vector<char>& buffer, int senders) {
  std::array<MPI_Request, kWindow> requests{};
  for (int sender = 1; sender <= senders; ++sender) {
    for (MPI_Request& request : requests) {
      MPI_Irecv(buffer.data(), kBytes, MPI_CHAR, sender, 0, MPI_COMM_WORLD, &request);
    }
    MPI_Waitall(kWindow, requests.data(), MPI_STATUSES_IGNORE);
  }
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0;
  int size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const int last = size - 1;
  std::vector<char> buffer(kBytes, 'x');
  int word = 0;
  int sum = 0;
  for (int round = 0; round < kRounds; ++round) {
    if (rank == 0) {
      receive_all(buffer, last - 1);
      MPI_Recv(&word, 1, MPI_INT, last, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      sum += word;
    } else if (rank < last) {
      send_all(buffer);
      MPI_Send(&round, 1, MPI_INT, last, 1, MPI_COMM_WORLD);
    } else {
      for (int sender = 1; sender < last; ++sender) {
        MPI_Recv(&word, 1, MPI_INT, sender, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      }
      MPI_Send(&word, 1, MPI_INT, 0, 1, MPI_COMM_WORLD);
    }
  }
  const bool good = rank != 0 || sum == kRounds * (kRounds - 1) / 2;
  std::printf("%s rank %d\n", good ? "PASSED" : "FAILED", rank);
  MPI_Finalize();
  return good ? 0 : 1;
}
