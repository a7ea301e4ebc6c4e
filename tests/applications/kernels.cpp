// Two kernels in the manner of the NAS parallel benchmarks, each checked against a serial computation.
//
//   kernels sort        integer bucket sort: MPI_Alltoall, MPI_Alltoallv, MPI_Allreduce, MPI_Exscan
//   kernels gradient    conjugate gradients on a block-distributed matrix: communicators for rows and columns of the
//                       process grid by MPI_Comm_split, MPI_Allreduce, MPI_Allgatherv, MPI_Sendrecv
//
// Prints one line RESULT, the same for every number of ranks and every host MPI.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

namespace {

int world_rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

int world_size() {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

[[noreturn]] void give_up(const std::string& reason) {
  std::printf("FAILED rank %d: %s\n", world_rank(), reason.c_str());
  std::fflush(stdout);
  MPI_Abort(MPI_COMM_WORLD, 1);
  std::abort();
}

/// A number that depends on `index` alone, whoever asks.
std::uint64_t scramble(std::uint64_t index) {
  std::uint64_t value = index * 0x9e3779b97f4a7c15ULL + 0x632be59bd9b4e019ULL;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
  return value ^ value >> 31;
}

/// First item of part `part` of `parts` nearly equal ones of `items`.
int first_of(int part, int parts, int items) {
  return static_cast<int>(static_cast<std::int64_t>(items) * part / parts);
}

// --- Integer sort ----------------------------------------------------------------------------------------------------

constexpr int kKeys = 1 << 16;
constexpr int kLargestKey = 1 << 19;

int key(int index) {
  // The sum of four is far from uniform, as in the original, so that buckets differ in size.
  std::uint64_t sum = 0;
  for (int i = 0; i < 4; ++i)
    sum += scramble(4 * static_cast<std::uint64_t>(index) + static_cast<std::uint64_t>(i)) % (kLargestKey / 4);
  return static_cast<int>(sum);
}

std::vector<int> keys_between(int first, int last) {
  std::vector<int> keys;
  keys.reserve(static_cast<std::size_t>(last - first));
  for (int i = first; i < last; ++i) keys.push_back(key(i));
  return keys;
}

std::vector<int> offsets_of(const std::vector<int>& counts) {
  std::vector<int> offsets(counts.size(), 0);
  std::partial_sum(counts.begin(), counts.end() - 1, offsets.begin() + 1);
  return offsets;
}

/// Sends every key to the rank of its bucket; returns this rank's bucket, sorted.
std::vector<int> exchange(std::vector<int> keys, int ranks) {
  const auto bucket = [&](int value) { return static_cast<std::int64_t>(value) * ranks / kLargestKey; };
  std::sort(keys.begin(), keys.end());
  std::vector<int> outgoing(static_cast<std::size_t>(ranks), 0);
  std::vector<int> incoming(static_cast<std::size_t>(ranks), 0);
  for (const int value : keys) ++outgoing[static_cast<std::size_t>(bucket(value))];
  MPI_Alltoall(outgoing.data(), 1, MPI_INT, incoming.data(), 1, MPI_INT, MPI_COMM_WORLD);
  const std::vector<int> from = offsets_of(outgoing);
  const std::vector<int> to = offsets_of(incoming);
  std::vector<int> mine(static_cast<std::size_t>(std::accumulate(incoming.begin(), incoming.end(), 0)));
  MPI_Alltoallv(keys.data(), outgoing.data(), from.data(), MPI_INT, mine.data(), incoming.data(), to.data(), MPI_INT,
                MPI_COMM_WORLD);
  std::sort(mine.begin(), mine.end());
  return mine;
}

void sort_keys() {
  const int rank = world_rank();
  const int ranks = world_size();
  const std::vector<int> mine =
      exchange(keys_between(first_of(rank, ranks, kKeys), first_of(rank + 1, ranks, kKeys)), ranks);
  int before = 0;
  const int count = static_cast<int>(mine.size());
  MPI_Exscan(&count, &before, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  if (rank == 0) before = 0;  // MPI leaves it undefined

  std::vector<int> expected = keys_between(0, kKeys);
  std::sort(expected.begin(), expected.end());
  int right = std::equal(mine.begin(), mine.end(), expected.begin() + before) ? 1 : 0;
  std::uint64_t digest = 0;
  for (int i = 0; i < count; ++i) {
    digest += scramble(static_cast<std::uint64_t>(mine[static_cast<std::size_t>(i)]) << 32 |
                       static_cast<std::uint64_t>(before + i));
  }
  int total = 0;
  std::uint64_t everything = 0;
  MPI_Allreduce(&count, &total, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(&digest, &everything, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, &right, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  if (right != 1 || total != kKeys) give_up("the keys are not in order");
  if (rank == 0) std::printf("RESULT sort %d keys %016llx\n", total, static_cast<unsigned long long>(everything));
}

// --- Conjugate gradients ---------------------------------------------------------------------------------------------

constexpr int kUnknowns = 240;
constexpr int kSteps = 40;

/// A symmetric matrix with a few random entries in each row, and a heavy diagonal.
double entry(int row, int column) {
  if (row == column) return 12.0;
  const int low = std::min(row, column);
  const int high = std::max(row, column);
  const std::uint64_t value = scramble(static_cast<std::uint64_t>(low) * kUnknowns + static_cast<std::uint64_t>(high));
  return value % 16 == 0 ? static_cast<double>(value >> 32 & 0xff) / 512.0 - 0.25 : 0.0;
}

double right_side(int row) { return 1.0 + static_cast<double>(scramble(static_cast<std::uint64_t>(row)) % 7) / 4.0; }

/// This process's place in a grid of processes, and its block of the matrix. Vectors are cut by columns of the grid;
/// all processes of one column hold the same part.
struct Grid {
  MPI_Comm row = MPI_COMM_NULL;
  MPI_Comm column = MPI_COMM_NULL;
  int rows = 1;
  int columns = 1;
  int first_row = 0;
  int last_row = kUnknowns;
  int first_column = 0;
  int last_column = kUnknowns;
  std::vector<double> block;

  void fill() {
    for (int i = first_row; i < last_row; ++i) {
      for (int j = first_column; j < last_column; ++j) block.push_back(entry(i, j));
    }
  }
};

Grid cut_world() {
  Grid grid;
  int shape[2] = {0, 0};
  MPI_Dims_create(world_size(), 2, shape);
  grid.rows = shape[0];
  grid.columns = shape[1];
  const int row = world_rank() / grid.columns;
  const int column = world_rank() % grid.columns;
  MPI_Comm_split(MPI_COMM_WORLD, row, column, &grid.row);
  MPI_Comm_split(MPI_COMM_WORLD, column, row, &grid.column);
  grid.first_row = first_of(row, grid.rows, kUnknowns);
  grid.last_row = first_of(row + 1, grid.rows, kUnknowns);
  grid.first_column = first_of(column, grid.columns, kUnknowns);
  grid.last_column = first_of(column + 1, grid.columns, kUnknowns);
  return grid;
}

double dot(const Grid& grid, const std::vector<double>& a, const std::vector<double>& b) {
  double sum = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  if (grid.row != MPI_COMM_NULL) MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, grid.row);
  return sum;
}

/// The product of the matrix and a vector, cut as the vector is.
std::vector<double> multiply(const Grid& grid, const std::vector<double>& x) {
  std::vector<double> part(static_cast<std::size_t>(grid.last_row - grid.first_row), 0.0);
  for (std::size_t i = 0; i < part.size(); ++i) {
    part[i] =
        std::inner_product(x.begin(), x.end(), grid.block.begin() + static_cast<std::ptrdiff_t>(i * x.size()), 0.0);
  }
  if (grid.row == MPI_COMM_NULL) return part;
  MPI_Allreduce(MPI_IN_PLACE, part.data(), static_cast<int>(part.size()), MPI_DOUBLE, MPI_SUM, grid.row);
  std::vector<int> counts;
  counts.reserve(static_cast<std::size_t>(grid.rows));
  for (int i = 0; i < grid.rows; ++i) {
    counts.push_back(first_of(i + 1, grid.rows, kUnknowns) - first_of(i, grid.rows, kUnknowns));
  }
  std::vector<double> whole(kUnknowns);
  MPI_Allgatherv(part.data(), static_cast<int>(part.size()), MPI_DOUBLE, whole.data(), counts.data(),
                 offsets_of(counts).data(), MPI_DOUBLE, grid.column);
  return {whole.begin() + grid.first_column, whole.begin() + grid.last_column};
}

std::vector<double> solve(const Grid& grid) {
  std::vector<double> residual;
  for (int j = grid.first_column; j < grid.last_column; ++j) residual.push_back(right_side(j));
  std::vector<double> x(residual.size(), 0.0);
  std::vector<double> direction = residual;
  double square = dot(grid, residual, residual);
  for (int step = 0; step < kSteps && square > 1e-24; ++step) {
    const std::vector<double> product = multiply(grid, direction);
    const double length = square / dot(grid, direction, product);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] += length * direction[i];
      residual[i] -= length * product[i];
    }
    const double next = dot(grid, residual, residual);
    for (std::size_t i = 0; i < x.size(); ++i) direction[i] = residual[i] + next / square * direction[i];
    square = next;
  }
  return x;
}

void conjugate_gradients() {
  Grid grid = cut_world();
  grid.fill();
  const std::vector<double> mine = solve(grid);
  Grid alone;
  alone.fill();
  const std::vector<double> expected = solve(alone);
  double worst = 0;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    const double other = expected[static_cast<std::size_t>(grid.first_column) + i];
    worst = std::max(worst, std::abs(mine[i] - other));
  }
  // Ranks are passed once around the world, to see that the grid's communicators have not mixed up its messages.
  const int ranks = world_size();
  int passed = world_rank();
  for (int i = 0; i < ranks; ++i) {
    MPI_Sendrecv_replace(&passed, 1, MPI_INT, (world_rank() + 1) % ranks, 5, (world_rank() + ranks - 1) % ranks, 5,
                         MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
  if (passed != world_rank()) give_up("a message went astray");
  MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  if (!(worst < 1e-10)) give_up("the solution differs from the serial one by " + std::to_string(worst));
  double sum = dot(grid, mine, std::vector<double>(mine.size(), 1.0));
  if (world_rank() == 0) std::printf("RESULT gradient %d unknowns, sum %.9f\n", kUnknowns, sum);
  MPI_Comm_free(&grid.row);
  MPI_Comm_free(&grid.column);
}

}  // namespace

int main(int count, char** words) {
  MPI_Init(&count, &words);
  if (count > 1 && std::strcmp(words[1], "sort") == 0) {
    sort_keys();
  } else if (count > 1 && std::strcmp(words[1], "gradient") == 0) {
    conjugate_gradients();
  } else {
    give_up("usage: kernels sort|gradient");
  }
  MPI_Finalize();
  return 0;
}
