// Says how large its world is, and tries to reach beyond it.
#include <mpi.h>

#include <cstdio>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int size = 0;
  int rank = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  int byte = 0;
  const int sent = MPI_Send(&byte, 1, MPI_INT, size, 0, MPI_COMM_WORLD);
  int error_class = MPI_SUCCESS;
  MPI_Error_class(sent, &error_class);
  std::printf("WORLD rank %d of %d, beyond it %s\n", rank, size, error_class == MPI_ERR_RANK ? "no rank" : "something");
  MPI_Finalize();
  return 0;
}
