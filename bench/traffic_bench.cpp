// Traffic between many ranks, as bench/run and bench/scale start it under the host MPI alone and under `sluice run`.
//
// Senders and receivers are ranks of MPI_COMM_WORLD, and no message goes back: what is measured fits one-way flows.
// Every rank says when it has come to the next measurement (a gate), and goes on when whoever started the program has
// made the file of that number; so all begin together, and processor time can be read off at both ends.
#include <mpi.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr const char* kUsage =
    "usage: mpiexec -n RANKS traffic_bench-MPI [--sizes LIST] [--work FACTOR] [--gates DIR] TEST...\n"
    "TEST: pairs     the first half of the ranks sends to the second half, each to its own\n"
    "      fan-in    all but the last rank send to the last\n"
    "      fan-out   the first rank sends to all others in turn\n"
    "      delay     one rank to another, with the time of sending in each message (one clock for the host)\n"
    "      reduce    MPI_Reduce over all ranks of the own subject\n"
    "      start     nothing: only start and end\n"
    "      idle      all ranks receive from a rank of another subject that never sends; ends by a signal\n"
    "Prints one JSON object a line. Usually started by bench/run and bench/scale.\n";

constexpr int kTag = 3;
constexpr int kAbsentTag = 4;  // never sent
constexpr int kWindow = 64;
/// What is under way at once fits the queue of a flow, even where nobody receives yet: payload, and two cache lines of
/// frame and padding for each message.
constexpr double kMostUnderWay = 160 << 20;
constexpr std::size_t kFrame = 128;

struct Options {
  std::vector<std::size_t> sizes = {8};
  double work = 1.0;
  std::string gates;
};

struct World {
  int rank = 0;
  int size = 0;
};

/// Seconds of CLOCK_MONOTONIC, which is one for all processes of the host.
double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Seconds of processor time that this process has had.
double processor_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Waits until the file of the next gate is there.
void pass_gate(const World& world, const Options& options) {
  static int next = 0;
  const int gate = next++;
  std::printf("{\"gate\": %d, \"rank\": %d}\n", gate, world.rank);
  std::fflush(stdout);
  if (options.gates.empty()) return;
  const std::string file = options.gates + "/" + std::to_string(gate);
  while (::access(file.c_str(), F_OK) != 0) {
    // A host MPI may have sent less than it has said it has, until it is called again. (For MPI_COMM_SELF MPICH does
    // nothing of the kind.)
    int found = 0;
    MPI_Iprobe(world.rank, kAbsentTag, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

/// What one rank has done in one measurement.
struct Report {
  const char* test;
  const char* role;
  std::size_t bytes;
  double messages;
};

/// Runs `work` between two looks at clock and processor time, and prints them.
void timed(const World& world, const Report& report, const std::function<void()>& work) {
  const double processor = processor_time();
  const double begin = now();
  work();
  const double end = now();
  std::printf(
      "{\"test\": \"%s\", \"role\": \"%s\", \"rank\": %d, \"bytes\": %zu, \"messages\": %.0f, \"begin\": %.9f, "
      "\"end\": %.9f, \"processor\": %.6f}\n",
      report.test, report.role, world.rank, report.bytes, report.messages, begin, end, processor_time() - processor);
  std::fflush(stdout);
}

/// Messages on each of `edges` ways.
int message_count(const Options& options, std::size_t bytes, int edges) {
  const double fits = kMostUnderWay / static_cast<double>(bytes + kFrame) / edges;
  const double count = std::min(fits, 400'000.0 / edges) * options.work;
  return std::max(static_cast<int>(count) / kWindow * kWindow, fits >= kWindow ? kWindow : 2);
}

using Start = int (*)(void*, int, int, MPI_Request*);

int start_send(void* buffer, int bytes, int peer, MPI_Request* request) {
  return MPI_Isend(buffer, bytes, MPI_CHAR, peer, kTag, MPI_COMM_WORLD, request);
}

int start_receive(void* buffer, int bytes, int peer, MPI_Request* request) {
  return MPI_Irecv(buffer, bytes, MPI_CHAR, peer, kTag, MPI_COMM_WORLD, request);
}

/// `count` messages to or from each of `peers`, in windows, a window for each peer in turn.
void stream(Start start, const std::vector<int>& peers, int count, std::size_t bytes) {
  std::vector<char> buffer(bytes, 'x');
  std::array<MPI_Request, kWindow> requests{};
  for (int done = 0; done < count; done += kWindow) {
    const int window = std::min(kWindow, count - done);
    for (const int peer : peers) {
      for (int i = 0; i < window; ++i) start(buffer.data(), static_cast<int>(bytes), peer, requests.data() + i);
      MPI_Waitall(window, requests.data(), MPI_STATUSES_IGNORE);
    }
  }
}

/// Which ranks this one sends to, and which it receives from.
struct Ways {
  std::vector<int> to;
  std::vector<int> from;
  int edges = 1;  ///< of all ranks
};

void measure_ways(const char* test, const World& world, const Options& options, const Ways& ways) {
  for (const std::size_t bytes : options.sizes) {
    const int count = message_count(options, bytes, ways.edges);
    pass_gate(world, options);
    const bool sends = !ways.to.empty();
    const std::vector<int>& peers = sends ? ways.to : ways.from;
    const double messages = static_cast<double>(count) * static_cast<double>(peers.size());
    timed(world, {test, sends ? "sender" : "receiver", bytes, messages},
          [&] { stream(sends ? start_send : start_receive, peers, count, bytes); });
  }
}

void measure_pairs(const World& world, const Options& options) {
  const int half = world.size / 2;
  Ways ways;
  ways.edges = half;
  if (world.rank < half) ways.to = {world.rank + half};
  if (world.rank >= half && world.rank < 2 * half) ways.from = {world.rank - half};
  measure_ways("pairs", world, options, ways);
}

/// All ranks but one.
std::vector<int> others(const World& world, int one) {
  std::vector<int> found;
  for (int rank = 0; rank < world.size; ++rank) {
    if (rank != one) found.push_back(rank);
  }
  return found;
}

void measure_fan_in(const World& world, const Options& options) {
  const int last = world.size - 1;
  Ways ways;
  ways.edges = last;
  (world.rank == last ? ways.from : ways.to) = world.rank == last ? others(world, last) : std::vector<int>{last};
  measure_ways("fan-in", world, options, ways);
}

void measure_fan_out(const World& world, const Options& options) {
  Ways ways;
  ways.edges = world.size - 1;
  (world.rank == 0 ? ways.to : ways.from) = world.rank == 0 ? others(world, 0) : std::vector<int>{0};
  measure_ways("fan-out", world, options, ways);
}

/// Gives way until `time`.
void wait_until(double time) {
  while (now() < time) std::this_thread::yield();
}

void send_stamped(std::vector<char>& buffer, int count, double gap) {
  for (int i = 0; i < count; ++i) {
    const double stamp = now();
    std::memcpy(buffer.data(), &stamp, sizeof stamp);
    MPI_Send(buffer.data(), static_cast<int>(buffer.size()), MPI_CHAR, 1, kTag, MPI_COMM_WORLD);
    wait_until(stamp + gap);
  }
}

/// Prints median and 99th percentile of the time from before the send to after the receive.
void receive_stamped(const World& world, std::vector<char>& buffer, int count) {
  std::vector<double> delays;
  for (int i = 0; i < count; ++i) {
    MPI_Recv(buffer.data(), static_cast<int>(buffer.size()), MPI_CHAR, 0, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    double stamp = 0;
    std::memcpy(&stamp, buffer.data(), sizeof stamp);
    delays.push_back(now() - stamp);
  }
  std::sort(delays.begin(), delays.end());
  const auto at = [&](double part) { return 1e6 * delays[static_cast<std::size_t>(part * (count - 1))]; };
  std::printf("{\"test\": \"delay\", \"rank\": %d, \"bytes\": %zu, \"median\": %.4f, \"high\": %.4f}\n", world.rank,
              buffer.size(), at(0.5), at(0.99));
  std::fflush(stdout);
}

void measure_delay(const World& world, const Options& options) {
  for (const std::size_t bytes : options.sizes) {
    // Long enough for the message to have arrived, at 1 GB/s: what waits in line is not delay.
    const double gap = 30e-6 + 1e-9 * static_cast<double>(bytes);
    const int count = std::max(static_cast<int>(std::min(2000.0, 0.4 / gap) * options.work), 5);
    std::vector<char> buffer(std::max(bytes, sizeof(double)), 'x');
    pass_gate(world, options);
    if (world.rank == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      send_stamped(buffer, count, gap);
      std::printf("{\"test\": \"delay\", \"rank\": 0, \"bytes\": %zu}\n", bytes);
      std::fflush(stdout);
    } else if (world.rank == 1) {
      receive_stamped(world, buffer, count);
    }
  }
}

/// Reductions of one number; nobody runs ahead, as each waits for the one before.
void reduce(const World& world, int count) {
  const double part = world.rank;
  double sum = 0;
  for (int i = 0; i < count; ++i) {
    MPI_Reduce(&part, &sum, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    MPI_Bcast(&sum, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  }
}

void measure_reduce(const World& world, const Options& options) {
  const int count = std::max(static_cast<int>(1000 * options.work), 5);
  reduce(world, 2);  // makes connections
  pass_gate(world, options);
  timed(world, {"reduce", "all", sizeof(double), static_cast<double>(count)}, [&] { reduce(world, count); });
}

void measure_start(const World& world, const Options& /*options*/) {
  std::printf("{\"test\": \"start\", \"rank\": %d, \"at\": %.9f}\n", world.rank, now());
  std::fflush(stdout);
}

void be_idle(const World& world, const Options& options) {
  pass_gate(world, options);
  // The first subject's ranks wait for the last rank, all others for the first: none of them ever sends.
  const int source = world.rank < world.size / 2 ? world.size - 1 : 0;
  int message = 0;
  MPI_Recv(&message, 1, MPI_INT, source, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

using Test = void (*)(const World&, const Options&);
const std::map<std::string_view, Test> kTests = {
    {"pairs", measure_pairs}, {"fan-in", measure_fan_in}, {"fan-out", measure_fan_out},
    {"delay", measure_delay}, {"reduce", measure_reduce}, {"start", measure_start},
    {"idle", be_idle}};

std::vector<std::size_t> numbers(const char* text) {
  std::vector<std::size_t> found;
  for (char* end = nullptr; *text != 0; text = *end == ',' ? end + 1 : end) {
    found.push_back(std::strtoull(text, &end, 10));
    if (end == text) return {};
  }
  return found;
}

bool read_option(const char* name, const char* value, Options& options) {
  if (std::strcmp(name, "--sizes") == 0)
    options.sizes = numbers(value);
  else if (std::strcmp(name, "--work") == 0)
    options.work = std::strtod(value, nullptr);
  else if (std::strcmp(name, "--gates") == 0)
    options.gates = value;
  else
    return false;
  const bool sizes = std::all_of(options.sizes.begin(), options.sizes.end(),
                                 [](std::size_t bytes) { return bytes >= 8 && bytes <= (std::size_t{1} << 30); });
  return !options.sizes.empty() && sizes && options.work > 0;
}

bool read(int argc, char** argv, Options& options, std::vector<Test>& tests) {
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--", 2) == 0) {
      if (i + 1 == argc || !read_option(argv[i], argv[i + 1], options)) return false;
      ++i;
    } else if (const auto test = kTests.find(argv[i]); test != kTests.end()) {
      tests.push_back(test->second);
    } else {
      return false;
    }
  }
  return !tests.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::vector<Test> tests;
  if (!read(argc, argv, options, tests)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  MPI_Init(&argc, &argv);
  World world;
  MPI_Comm_rank(MPI_COMM_WORLD, &world.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &world.size);
  for (const Test test : tests) test(world, options);
  MPI_Finalize();
  return 0;
}
