// Command line of the MPI benchmark; bench/run starts it under the host MPI alone and under `sluice run`.
#include <dlfcn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>
#include <thread>

#include "bench/mpi_bench.hpp"

namespace {

using sluice::bench::Options;
using sluice::bench::Place;

constexpr int kDoneTag = 10;

constexpr const char* kUsage =
    "usage: mpiexec -n 2 mpi_bench-MPI [--min BYTES] [--max BYTES] [--step FACTOR] [--work FACTOR] [--delay SECONDS]\n"
    "                                  TEST...\n"
    "TEST: latency bandwidth stream calls overhead\n"
    "                                       measure between ranks 0 and 1 and print one JSON object a line\n"
    "      idle                             ranks above 1: wait until the others are done (takes flows 0 -> rank)\n"
    "Usually started by bench/run, which compares Sluice with the host MPI.\n";

using Test = void (*)(const Place&, const Options&);
const std::map<std::string_view, Test> kTests = {{"latency", sluice::bench::measure_latency},
                                                 {"bandwidth", sluice::bench::measure_bandwidth},
                                                 {"stream", sluice::bench::measure_stream},
                                                 {"calls", sluice::bench::measure_calls},
                                                 {"overhead", sluice::bench::measure_overhead}};

struct CommandLine {
  Options options;
  std::vector<Test> tests;
  bool idle = false;
};

bool read_option(const char* name, const char* value, Options& options) {
  if (std::strcmp(name, "--min") == 0)
    options.min_bytes = std::strtoull(value, nullptr, 10);
  else if (std::strcmp(name, "--max") == 0)
    options.max_bytes = std::strtoull(value, nullptr, 10);
  else if (std::strcmp(name, "--step") == 0)
    options.step = std::strtoull(value, nullptr, 10);
  else if (std::strcmp(name, "--work") == 0)
    options.work = std::strtod(value, nullptr);
  else if (std::strcmp(name, "--delay") == 0)
    options.delay = std::strtod(value, nullptr);
  else
    return false;
  return options.min_bytes >= 1 && options.max_bytes <= (std::size_t{1} << 30) && options.step >= 2 && options.work > 0;
}

bool read(int argc, char** argv, CommandLine& line) {
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--", 2) == 0) {
      if (i + 1 == argc || !read_option(argv[i], argv[i + 1], line.options)) return false;
      ++i;
    } else if (std::strcmp(argv[i], "idle") == 0) {
      line.idle = true;
    } else if (const auto test = kTests.find(argv[i]); test != kTests.end()) {
      line.tests.push_back(test->second);
    } else {
      return false;
    }
  }
  return line.idle || !line.tests.empty();
}

/// MPI_COMM_WORLD, and the communicator of the own subject where Sluice is there and it is another one of two ranks
/// or more. Looked up by name, so that the same program runs on the host MPI alone.
std::vector<Place> places() {
  std::vector<Place> found;
  int rank = 0;
  int size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  void* symbol = ::dlsym(RTLD_DEFAULT, "MPIX_Comm_subject");
  found.push_back({MPI_COMM_WORLD, "world", rank, size, symbol == nullptr});
  if (symbol == nullptr) return found;
  MPI_Comm subject = reinterpret_cast<MPI_Comm (*)()>(symbol)();
  MPI_Comm_size(subject, &size);
  MPI_Comm_rank(subject, &rank);
  if (size >= 2) found.push_back({subject, "subject", rank, size, true});
  return found;
}

/// Runs a test. One that goes by size measures its first size twice: what comes first shows how the kernel spreads
/// ranks that have just woken up.
void run(Test test, const Place& place, const Options& options) {
  if (test != sluice::bench::measure_calls && test != sluice::bench::measure_overhead) {
    Place quiet = place;
    quiet.prints = false;
    Options first = options;
    first.max_bytes = first.min_bytes;
    test(quiet, first);
  }
  test(place, options);
}

/// Rank 0 lets the ranks that idle go.
void release_idle_ranks() {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int rank = 2; rank < size; ++rank) MPI_Send(nullptr, 0, MPI_CHAR, rank, kDoneTag, MPI_COMM_WORLD);
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  if (!read(argc, argv, line)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  MPI_Init(&argc, &argv);
  int rank = 0;
  int size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size < 2) {
    std::fprintf(stderr, "mpi_bench: needs 2 ranks in MPI_COMM_WORLD and has %d\n", size);
    MPI_Abort(MPI_COMM_WORLD, 2);
  }
  if (rank >= 2) {
    MPI_Recv(nullptr, 0, MPI_CHAR, 0, kDoneTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  } else {
    if (rank == 0) std::this_thread::sleep_for(std::chrono::duration<double>(line.options.delay));
    for (const Test test : line.tests) {
      for (const Place& place : places()) run(test, place, line.options);
    }
    if (rank == 0) release_idle_ranks();
  }
  MPI_Finalize();
  return 0;
}
