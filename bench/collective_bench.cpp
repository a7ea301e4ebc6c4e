// Collectives with a root, timed over all ranks of MPI_COMM_WORLD. One source, built for each host MPI;
// bench/collectives starts it under the host MPI alone and under `sluice run`.
//
// Where flows go one way nobody can tell the lower ranks that the others are there, so bench/collectives does, with a
// file for each step (a gate). Calls follow each other without a barrier, on the host as well, and each rank prints
// when its calls began and ended, by the clock that all ranks share.
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr const char* kUsage =
    "usage: collective_bench-MPI [--calls N] [--gates FOLDER] [--most N] [--work FACTOR] --sizes BYTES[,BYTES...] "
    "COLLECTIVE...\n"
    "COLLECTIVE: Bcast Scatter   from rank 0\n"
    "            Reduce Gather   to the last rank\n"
    "            Copy            each rank copies in its own memory: what moving the bytes costs at least\n"
    "--calls N: no warm-up, exactly N calls of each size\n"
    "--most N: at most N calls of each size\n"
    "--gates FOLDER: print {\"gate\": G} before step G, and wait until FOLDER/G is there\n"
    "Prints one JSON object a line for each rank, collective and size. Usually started by bench/collectives.\n";

struct CommandLine {
  std::size_t calls = 0;
  std::size_t most = 0;
  double work = 1.0;
  std::string gates;
  std::vector<std::size_t> sizes;
  std::vector<std::string> collectives;
};

/// Bytes of messages that one figure may have under way: the queues of bench/collectives hold them all.
constexpr double kMostBytes = 64 << 20;
constexpr double kMostCalls = 50000;
constexpr std::size_t kFewestCalls = 4;
constexpr useconds_t kLook = 500;  // microseconds between two looks for a gate
constexpr int kMostLooks = 60000000 / kLook;

struct World {
  int rank = 0;
  int size = 0;
};

/// One call of a collective. `bytes`: of the broadcast or reduced vector, or of each rank's part.
using Once = void (*)(const World& world, std::vector<char>& mine, std::vector<char>& all, std::size_t bytes);

void bcast(const World&, std::vector<char>& mine, std::vector<char>&, std::size_t bytes) {
  MPI_Bcast(mine.data(), static_cast<int>(bytes), MPI_CHAR, 0, MPI_COMM_WORLD);
}

void scatter(const World&, std::vector<char>& mine, std::vector<char>& all, std::size_t bytes) {
  const int count = static_cast<int>(bytes);
  MPI_Scatter(all.data(), count, MPI_CHAR, mine.data(), count, MPI_CHAR, 0, MPI_COMM_WORLD);
}

void reduce(const World& world, std::vector<char>& mine, std::vector<char>& all, std::size_t bytes) {
  const int count = static_cast<int>(bytes / sizeof(float));
  MPI_Reduce(mine.data(), all.data(), count, MPI_FLOAT, MPI_SUM, world.size - 1, MPI_COMM_WORLD);
}

void gather(const World& world, std::vector<char>& mine, std::vector<char>& all, std::size_t bytes) {
  const int count = static_cast<int>(bytes);
  MPI_Gather(mine.data(), count, MPI_CHAR, all.data(), count, MPI_CHAR, world.size - 1, MPI_COMM_WORLD);
}

void copy(const World&, std::vector<char>& mine, std::vector<char>& all, std::size_t bytes) {
  std::memcpy(all.data(), mine.data(), bytes);
  asm volatile("" : : "r"(all.data()) : "memory");  // every copy counts
}

struct Collective {
  Once once;
  bool parts;  ///< a part for each rank, else the same bytes for all
};
const std::map<std::string_view, Collective> kCollectives = {{"Bcast", {bcast, false}},
                                                             {"Scatter", {scatter, true}},
                                                             {"Reduce", {reduce, false}},
                                                             {"Gather", {gather, true}},
                                                             {"Copy", {copy, false}}};

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// Waits until every rank has come here. Some host MPIs deliver the end of what a rank has sent only while it is in a
/// call, and others may still wait for that.
void pass_gate(const CommandLine& line, const World& world) {
  static int gate = 0;
  if (line.gates.empty()) return;
  std::printf("{\"gate\": %d}\n", gate);
  std::fflush(stdout);
  const std::string file = line.gates + "/" + std::to_string(gate++);
  for (int look = 0; ::access(file.c_str(), F_OK) != 0; ++look) {
    if (look == kMostLooks) MPI_Abort(MPI_COMM_WORLD, 3);
    int flag = 0;
    MPI_Iprobe(world.rank, 0, MPI_COMM_WORLD, &flag, MPI_STATUS_IGNORE);
    ::usleep(kLook);
  }
}

/// What the calls send and receive.
struct Buffers {
  std::vector<char> mine;
  std::vector<char> all;
};

void measure(const CommandLine& line, const World& world, const std::string& name, std::size_t bytes,
             Buffers& buffers) {
  const Collective& collective = kCollectives.at(name);
  const double travelling = static_cast<double>(bytes) * (collective.parts ? world.size : 1);
  const double fits = std::min(kMostCalls, kMostBytes / travelling) * line.work;
  std::size_t calls = line.calls != 0 ? line.calls : std::max(static_cast<std::size_t>(fits), kFewestCalls);
  if (line.most != 0) calls = std::min(calls, line.most);
  const std::size_t before = line.calls != 0 ? 0 : calls / 4 + 1;
  // Not before all have passed: fresh pages take more time than calls, and others may still measure.
  pass_gate(line, world);
  buffers.mine = std::vector<char>(bytes, 0);
  buffers.all = std::vector<char>(bytes * (collective.parts ? static_cast<std::size_t>(world.size) : 1), 0);
  for (std::size_t i = 0; i < before; ++i) collective.once(world, buffers.mine, buffers.all, bytes);
  pass_gate(line, world);
  const double begin = now();
  for (std::size_t i = 0; i < calls; ++i) collective.once(world, buffers.mine, buffers.all, bytes);
  const double end = now();
  std::printf("{\"test\": \"%s\", \"bytes\": %zu, \"rank\": %d, \"begin\": %.9f, \"end\": %.9f, \"calls\": %zu}\n",
              name.c_str(), bytes, world.rank, begin, end, calls);
  std::fflush(stdout);
}

/// Numbers separated by commas; empty if there is anything else.
std::vector<std::size_t> read_sizes(const char* text) {
  std::vector<std::size_t> sizes;
  for (char* end = nullptr; *text != '\0'; text = *end == ',' ? end + 1 : end) {
    const unsigned long long size = std::strtoull(text, &end, 10);
    if (end == text || size < sizeof(float) || size > (std::size_t{1} << 26)) return {};
    sizes.push_back(size);
  }
  return sizes;
}

bool read(int argc, char** argv, CommandLine& line) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool option = word.starts_with("--");
    if (option && i + 1 == argc) return false;
    if (word == "--sizes") {
      line.sizes = read_sizes(argv[++i]);
    } else if (word == "--calls") {
      line.calls = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--most") {
      line.most = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--gates") {
      line.gates = argv[++i];
    } else if (word == "--work") {
      line.work = std::strtod(argv[++i], nullptr);
    } else if (kCollectives.contains(word)) {
      line.collectives.emplace_back(word);
    } else {
      return false;
    }
  }
  return !line.sizes.empty() && !line.collectives.empty() && line.work > 0;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  if (!read(argc, argv, line)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  MPI_Init(&argc, &argv);
  World world;
  MPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &world.size);
  Buffers buffers;
  for (const std::string& name : line.collectives) {
    for (const std::size_t bytes : line.sizes) measure(line, world, name, bytes, buffers);
  }
  MPI_Finalize();
  return 0;
}
