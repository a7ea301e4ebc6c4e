#include "bench/mpi_bench.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTag = 7;
constexpr int kAnswerTag = 8;
constexpr int kAbsentTag = 9;  // never sent
constexpr std::size_t kWindow = 64;
/// Bytes that one window has under way at most: the queue of a flow holds them all (see runs.py).
constexpr std::size_t kWindowBytes = std::size_t{32} << 20;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void print(const Place& place, const char* test, std::size_t bytes, double value, const char* unit) {
  if (!place.prints) return;
  std::printf("{\"test\": \"%s\", \"place\": \"%s\", \"bytes\": %zu, \"value\": %.6g, \"unit\": \"%s\"}\n", test,
              place.name.c_str(), bytes, value, unit);
  std::fflush(stdout);
}

/// Memory that starts on a page and has been touched.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes) {
    constexpr std::size_t page = 4096;
    const std::size_t whole = (std::max<std::size_t>(bytes, 1) + page - 1) / page * page;
    data_.reset(static_cast<char*>(std::aligned_alloc(page, whole)));
    if (!data_) std::abort();
    std::fill_n(data_.get(), whole, 'x');
  }
  [[nodiscard]] char* get() const { return data_.get(); }

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> data_;
};

std::size_t scaled(double count, double work, std::size_t least) {
  return std::max(static_cast<std::size_t>(count * work), least);
}

/// Timed parts of one figure: their median stands for it, so that one interruption does not spoil it.
constexpr std::size_t kParts = 5;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Runs `once` `warm_up` times, then kParts parts of `count` times. Returns the median seconds of one time.
template <typename Once>
double time_once(std::size_t warm_up, std::size_t count, const Once& once) {
  for (std::size_t i = 0; i < warm_up; ++i) once();
  std::vector<double> parts;
  for (std::size_t part = 0; part < kParts; ++part) {
    const auto start = Clock::now();
    for (std::size_t i = 0; i < count; ++i) once();
    parts.push_back(seconds_since(start) / static_cast<double>(count));
  }
  return median(std::move(parts));
}

std::size_t window_of(std::size_t bytes) { return std::clamp<std::size_t>(kWindowBytes / bytes, 1, kWindow); }

void send_window(const Place& place, const Buffer& buffer, std::size_t bytes, std::size_t window) {
  MPI_Request requests[kWindow];
  for (std::size_t i = 0; i < window; ++i) {
    MPI_Isend(buffer.get(), static_cast<int>(bytes), MPI_CHAR, 1, kTag, place.comm, &requests[i]);
  }
  MPI_Waitall(static_cast<int>(window), requests, MPI_STATUSES_IGNORE);
}

void receive_window(const Place& place, const Buffer& buffer, std::size_t bytes, std::size_t window) {
  MPI_Request requests[kWindow];
  for (std::size_t i = 0; i < window; ++i) {
    MPI_Irecv(buffer.get(), static_cast<int>(bytes), MPI_CHAR, 0, kTag, place.comm, &requests[i]);
  }
  MPI_Waitall(static_cast<int>(window), requests, MPI_STATUSES_IGNORE);
}

void one_latency(const Place& place, const Options& options, std::size_t bytes) {
  const double fits = static_cast<double>(16 << 20) / static_cast<double>(bytes);
  const std::size_t rounds = scaled(std::min(2000.0, fits), options.work, 4);
  const Buffer out(bytes);
  const Buffer in(bytes);
  const int count = static_cast<int>(bytes);
  const int peer = 1 - place.rank;
  const double trip = time_once(rounds / 2 + 4, rounds, [&] {
    if (place.rank == 0) MPI_Send(out.get(), count, MPI_CHAR, peer, kTag, place.comm);
    MPI_Recv(in.get(), count, MPI_CHAR, peer, kTag, place.comm, MPI_STATUS_IGNORE);
    if (place.rank == 1) MPI_Send(out.get(), count, MPI_CHAR, peer, kTag, place.comm);
  });
  if (place.rank == 0) print(place, "latency", bytes, trip / 2 * 1e6, "us");
}

void one_bandwidth(const Place& place, const Options& options, std::size_t bytes) {
  const std::size_t window = window_of(bytes);
  const double batch = static_cast<double>(window * std::max<std::size_t>(bytes, 1024));
  const std::size_t loops = scaled(static_cast<double>(32 << 20) / batch, options.work, 2);
  const Buffer buffer(bytes);
  const Buffer answer(4);
  const double batch_time = time_once(loops / 2 + 1, loops, [&] {
    if (place.rank == 0) {
      send_window(place, buffer, bytes, window);
      MPI_Recv(answer.get(), 4, MPI_CHAR, 1, kAnswerTag, place.comm, MPI_STATUS_IGNORE);
    } else {
      receive_window(place, buffer, bytes, window);
      MPI_Send(answer.get(), 4, MPI_CHAR, 0, kAnswerTag, place.comm);
    }
  });
  if (place.rank == 0) print(place, "bandwidth", bytes, static_cast<double>(window) / batch_time, "msg/s");
}

void one_stream(const Place& place, const Options& options, std::size_t bytes) {
  const std::size_t window = window_of(bytes);
  const double frame = static_cast<double>(bytes + 64);
  const std::size_t windows =
      scaled(static_cast<double>(32 << 20) / frame / static_cast<double>(window), options.work, 4);
  const Buffer buffer(bytes);
  if (place.rank == 0) {
    MPI_Send(buffer.get(), static_cast<int>(bytes), MPI_CHAR, 1, kTag, place.comm);
    for (std::size_t i = 0; i < windows; ++i) send_window(place, buffer, bytes, window);
    // Lets the receiver drain what is queued, so that the next size starts with an empty queue.
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    return;
  }
  MPI_Recv(buffer.get(), static_cast<int>(bytes), MPI_CHAR, 0, kTag, place.comm, MPI_STATUS_IGNORE);
  const auto start = Clock::now();
  for (std::size_t i = 0; i < windows; ++i) receive_window(place, buffer, bytes, window);
  print(place, "stream", bytes, static_cast<double>(windows * window) / seconds_since(start), "msg/s");
}

}  // namespace

std::vector<std::size_t> Options::sizes() const {
  std::vector<std::size_t> found;
  for (std::size_t bytes = min_bytes; bytes <= max_bytes; bytes *= step) found.push_back(bytes);
  return found;
}

void measure_latency(const Place& place, const Options& options) {
  for (const std::size_t bytes : options.sizes()) one_latency(place, options, bytes);
}

void measure_bandwidth(const Place& place, const Options& options) {
  for (const std::size_t bytes : options.sizes()) one_bandwidth(place, options, bytes);
}

void measure_stream(const Place& place, const Options& options) {
  for (const std::size_t bytes : options.sizes()) one_stream(place, options, bytes);
}

void measure_calls(const Place& place, const Options& options) {
  if (place.rank != 0) {
    // Stays until rank 0 has done: a probe for a rank that has ended is an error.
    MPI_Recv(nullptr, 0, MPI_CHAR, 0, kTag, place.comm, MPI_STATUS_IGNORE);
    return;
  }
  const std::size_t ranks = scaled(1e6, options.work, 1000);
  int sum = 0;
  const double rank_time = time_once(ranks / 2, ranks, [&] {
    int rank = 0;
    MPI_Comm_rank(place.comm, &rank);
    sum += rank;
  });
  print(place, "Comm_rank", 0, rank_time * 1e9, "ns");
  const std::size_t probes = scaled(1e5, options.work, 1000);
  const double probe_time = time_once(probes / 2, probes, [&] {
    int found = 0;
    MPI_Iprobe(1, kAbsentTag, place.comm, &found, MPI_STATUS_IGNORE);
    sum += found;
  });
  print(place, "Iprobe", 0, probe_time * 1e9, "ns");
  MPI_Send(nullptr, 0, MPI_CHAR, 1, kTag, place.comm);
  if (sum != 0) std::fprintf(stderr, "mpi_bench: rank 0 found a message that nobody sent\n");
}

}  // namespace sluice::bench
