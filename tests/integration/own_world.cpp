// A program that knows nothing of Sluice: its world has RANKS ranks, and collectives on it work.
//
// usage: own_world RANKS
#include <mpi.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = -1, size = 0, sum = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  const int wanted = std::atoi(argv[1]);
  const bool good = size == wanted && sum == wanted * (wanted - 1) / 2;
  std::printf("%s rank %d of %d, sum %d\n", good ? "PASSED" : "FAILED", rank, size, sum);
  MPI_Finalize();
  return good ? 0 : 1;
}
