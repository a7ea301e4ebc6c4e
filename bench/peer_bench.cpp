// What people use today between isolated jobs, timed like the MPI benchmark: pipes, Unix stream sockets, TCP through a
// socat relay, and ZeroMQ over ipc. One process sends and receives, a child answers; each message is written by one
// call.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kUsage =
    "usage: peer_bench [--min BYTES] [--max BYTES] [--step FACTOR] [--work FACTOR] [--socat PROGRAM] TEST...\n"
    "TEST: latency stream\n"
    "      measure pipe, unix-socket, socat and zeromq, and print one JSON object a line\n"
    "Usually started by bench/run, which compares them with Sluice.\n";

/// Timed parts of one figure, as in mpi_bench: their median stands for it.
constexpr std::size_t kParts = 5;
/// Nothing that is measured takes longer; then the process ends.
constexpr unsigned kPatience = 150;

struct Options {
  std::size_t min_bytes = 8;
  std::size_t max_bytes = std::size_t{4} << 20;
  std::size_t step = 2;
  double work = 1.0;
  std::string socat = "socat";
};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// One end of a connection that keeps messages whole or is told their length.
class End {
 public:
  End() = default;
  End(const End&) = delete;
  End& operator=(const End&) = delete;
  virtual ~End() = default;
  virtual void send(const char* bytes, std::size_t count) = 0;
  virtual void receive(char* bytes, std::size_t count) = 0;
};

/// Two descriptors, or one twice.
class StreamEnd : public End {
 public:
  StreamEnd(int in, int out) : in_(in), out_(out) {}
  ~StreamEnd() override {
    ::close(in_);
    if (out_ != in_) ::close(out_);
  }
  void send(const char* bytes, std::size_t count) override {
    while (count > 0) {
      const ssize_t written = ::write(out_, bytes, count);
      if (written <= 0) fail("write");
      bytes += written;
      count -= static_cast<std::size_t>(written);
    }
  }
  void receive(char* bytes, std::size_t count) override {
    while (count > 0) {
      const ssize_t got = ::read(in_, bytes, count);
      if (got <= 0) fail("read");
      bytes += got;
      count -= static_cast<std::size_t>(got);
    }
  }

 private:
  int in_;
  int out_;
};

class ZeroMqEnd : public End {
 public:
  ZeroMqEnd(const std::string& address, bool binds) : context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_PAIR)) {
    if ((binds ? zmq_bind(socket_, address.c_str()) : zmq_connect(socket_, address.c_str())) != 0) fail("zeromq");
  }
  ~ZeroMqEnd() override {
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  void send(const char* bytes, std::size_t count) override {
    if (zmq_send(socket_, bytes, count, 0) < 0) fail("zmq_send");
  }
  void receive(char* bytes, std::size_t count) override {
    if (zmq_recv(socket_, bytes, count, 0) != static_cast<int>(count)) fail("zmq_recv");
  }

 private:
  void* context_;
  void* socket_;
};

/// Makes an end in each of two processes: first in the parent, second in the child.
struct Transport {
  const char* name;
  std::function<std::unique_ptr<End>()> parent;
  std::function<std::unique_ptr<End>()> child;
};

Transport pipes() {
  int there[2];
  int back[2];
  if (::pipe(there) != 0 || ::pipe(back) != 0) fail("pipe");
  return {"pipe",
          [=] {
            ::close(there[0]);
            ::close(back[1]);
            return std::make_unique<StreamEnd>(back[0], there[1]);
          },
          [=] {
            ::close(there[1]);
            ::close(back[0]);
            return std::make_unique<StreamEnd>(there[0], back[1]);
          }};
}

Transport unix_sockets() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) fail("socketpair");
  return {"unix-socket",
          [=] {
            ::close(pair[1]);
            return std::make_unique<StreamEnd>(pair[0], pair[0]);
          },
          [=] {
            ::close(pair[0]);
            return std::make_unique<StreamEnd>(pair[1], pair[1]);
          }};
}

/// A socket that listens on a port of the loopback that the system chooses, and that port.
std::pair<int, std::uint16_t> listen_anywhere() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* place = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, place, size) != 0 || ::listen(listener, 1) != 0) fail("listen");
  if (::getsockname(listener, place, &size) != 0) fail("getsockname");
  return {listener, ntohs(address.sin_port)};
}

std::unique_ptr<End> tcp_end(int connection) {
  const int on = 1;
  ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return std::make_unique<StreamEnd>(connection, connection);
}

std::unique_ptr<End> connect_to(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  for (int tries = 0; tries < 500; ++tries) {  // socat takes a moment to listen
    const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return tcp_end(connection);
    ::close(connection);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  fail("connect to socat");
}

Transport socat_relay(const std::string& program) {
  const auto [listener, port] = listen_anywhere();
  const auto [spare, relay_port] = listen_anywhere();
  ::close(spare);
  const std::string from = "TCP4-LISTEN:" + std::to_string(relay_port) + ",bind=127.0.0.1,reuseaddr,nodelay";
  const std::string to = "TCP4:127.0.0.1:" + std::to_string(port) + ",nodelay";
  if (::fork() == 0) {
    ::close(listener);
    ::execlp(program.c_str(), program.c_str(), from.c_str(), to.c_str(), static_cast<char*>(nullptr));
    fail("socat");
  }
  const std::uint16_t through = relay_port;
  const int answering = listener;
  return {"socat",
          [=] {
            ::close(answering);
            return connect_to(through);
          },
          [=] {
            const int connection = ::accept(answering, nullptr, nullptr);
            if (connection < 0) fail("accept");
            ::close(answering);
            return tcp_end(connection);
          }};
}

Transport zeromq() {
  const std::string address = "ipc:///tmp/sluice-peer-bench-" + std::to_string(::getpid());
  return {"zeromq", [=] { return std::make_unique<ZeroMqEnd>(address, true); },
          [=] { return std::make_unique<ZeroMqEnd>(address, false); }};
}

std::size_t scaled(double count, double work, std::size_t least) {
  return std::max(static_cast<std::size_t>(count * work), least);
}

std::size_t round_trips(const Options& options, std::size_t bytes) {
  return scaled(std::min(2000.0, static_cast<double>(16 << 20) / static_cast<double>(bytes)), options.work, 4);
}

std::size_t stream_messages(const Options& options, std::size_t bytes) {
  return scaled(std::min(100'000.0, static_cast<double>(128 << 20) / static_cast<double>(bytes)), options.work, 8);
}

void print(const char* test, const char* place, std::size_t bytes, double value, const char* unit) {
  std::printf("{\"test\": \"%s\", \"place\": \"%s\", \"bytes\": %zu, \"value\": %.6g, \"unit\": \"%s\"}\n", test, place,
              bytes, value, unit);
  std::fflush(stdout);
}

/// Median of kParts runs of `once`, in seconds.
template <typename Once>
double median_seconds(const Once& once) {
  std::vector<double> parts;
  for (std::size_t part = 0; part < kParts; ++part) {
    const auto start = Clock::now();
    once();
    parts.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(parts.begin(), parts.end());
  return parts[kParts / 2];
}

void latency(End& end, const char* name, bool parent, const Options& options, std::size_t bytes) {
  std::vector<char> buffer(bytes, 'x');
  const std::size_t count = round_trips(options, bytes);
  const auto trips = [&] {
    for (std::size_t i = 0; i < count; ++i) {
      if (parent) end.send(buffer.data(), bytes);
      end.receive(buffer.data(), bytes);
      if (!parent) end.send(buffer.data(), bytes);
    }
  };
  trips();
  const double seconds = median_seconds(trips);
  if (parent) print("latency", name, bytes, seconds / static_cast<double>(count) / 2 * 1e6, "us");
}

void stream(End& end, const char* name, bool parent, const Options& options, std::size_t bytes) {
  std::vector<char> buffer(bytes, 'x');
  const std::size_t count = stream_messages(options, bytes);
  char done = 'd';
  const double seconds = median_seconds([&] {
    for (std::size_t i = 0; i < count; ++i) parent ? end.send(buffer.data(), bytes) : end.receive(buffer.data(), bytes);
    parent ? end.receive(&done, 1) : end.send(&done, 1);
  });
  if (parent) print("stream", name, bytes, static_cast<double>(count) / seconds, "msg/s");
}

using Test = void (*)(End&, const char*, bool, const Options&, std::size_t);

/// Runs the tests between this process and a child.
void measure(const Transport& transport, const std::vector<Test>& tests, const Options& options) {
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child == 0) ::alarm(kPatience);
  {
    const auto end = child == 0 ? transport.child() : transport.parent();
    for (const Test test : tests) {
      for (std::size_t bytes = options.min_bytes; bytes <= options.max_bytes; bytes *= options.step) {
        test(*end, transport.name, child != 0, options, bytes);
      }
    }
  }
  if (child == 0) std::_Exit(0);
  while (::wait(nullptr) > 0) continue;  // the child, and socat, which ends with the connection
}

bool read_option(const char* name, const char* value, Options& options) {
  if (std::strcmp(name, "--min") == 0) {
    options.min_bytes = std::strtoull(value, nullptr, 10);
  } else if (std::strcmp(name, "--max") == 0) {
    options.max_bytes = std::strtoull(value, nullptr, 10);
  } else if (std::strcmp(name, "--step") == 0) {
    options.step = std::strtoull(value, nullptr, 10);
  } else if (std::strcmp(name, "--work") == 0) {
    options.work = std::strtod(value, nullptr);
  } else if (std::strcmp(name, "--socat") == 0) {
    options.socat = value;
  } else {
    return false;
  }
  return options.min_bytes >= 1 && options.max_bytes <= (std::size_t{1} << 30) && options.step >= 2 && options.work > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::vector<Test> tests;
  bool right = true;
  for (int i = 1; i < argc && right; ++i) {
    if (std::strcmp(argv[i], "latency") == 0) {
      tests.push_back(latency);
    } else if (std::strcmp(argv[i], "stream") == 0) {
      tests.push_back(stream);
    } else {
      right = i + 1 < argc && read_option(argv[i], argv[i + 1], options);
      ++i;
    }
  }
  if (!right || tests.empty()) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  ::alarm(kPatience);
  measure(pipes(), tests, options);
  measure(unix_sockets(), tests, options);
  measure(socat_relay(options.socat), tests, options);
  measure(zeromq(), tests, options);
  return 0;
}
