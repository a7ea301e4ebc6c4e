// Takes part in one collective whose other ranks may lie, and says what came of it.
//
//   collective_victim OPERATION        one of those of hostile_teller; the last rank is the root of gatherv
#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <vector>

namespace {

constexpr int kPart = 8;

int call(std::string_view operation, int size, std::vector<char>& got) {
  const std::vector<char> mine(static_cast<std::size_t>(kPart * size), 'p');
  const std::vector<int> counts(static_cast<std::size_t>(size), kPart);
  std::vector<int> displacements(counts.size());
  for (int i = 0; i < size; ++i) displacements[static_cast<std::size_t>(i)] = i * kPart;
  got.assign(mine.size(), '-');
  if (operation == "gatherv") {
    return MPI_Gatherv(mine.data(), kPart, MPI_CHAR, got.data(), counts.data(), displacements.data(), MPI_CHAR,
                       size - 1, MPI_COMM_WORLD);
  }
  if (operation == "scatterv") {
    return MPI_Scatterv(nullptr, nullptr, nullptr, MPI_CHAR, got.data(), kPart, MPI_CHAR, 0, MPI_COMM_WORLD);
  }
  return MPI_Alltoallv(mine.data(), counts.data(), displacements.data(), MPI_CHAR, got.data(), counts.data(),
                       displacements.data(), MPI_CHAR, MPI_COMM_WORLD);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  MPI_Init(&argc, &argv);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int rank = 0;
  int size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  std::vector<char> got;
  const int error = call(argv[1], size, got);
  std::printf("RANK %d %s, %d bytes came\n", rank, error == MPI_SUCCESS ? "no error" : "error",
              static_cast<int>(std::count(got.begin(), got.end(), 'p')));
  std::fflush(stdout);
  MPI_Finalize();
  return 0;
}
