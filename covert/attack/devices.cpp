// Class 16: device nodes.
#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

/// For calls that may fail: what comes of them shows at the other side.
void attempt(long) {}

/// Times of the nodes that everybody has.
class NodeTimes : public Attack {
 public:
  std::string prepare() override { return {}; }

  void send(bool bit, Time until) override {
    // Whoever may write to a file may set its times to now.
    for (const char* node : kNodes) {
      if (bit) ::utimensat(AT_FDCWD, node, nullptr, 0);
    }
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    for (const char* node : kNodes) {
      struct stat status {};
      ::stat(node, &status);
      for (const timespec& time : {status.st_atim, status.st_mtim, status.st_ctim}) {
        seen.push_back(static_cast<double>(time.tv_sec % 100000) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3);
      }
      seen.push_back(static_cast<double>(status.st_nlink));
      seen.push_back(static_cast<double>(status.st_mode));
    }
    sleep_until(until);
  }

 private:
  static constexpr std::array<const char*, 4> kNodes = {"/dev/full", "/dev/zero", "/dev/urandom", "/dev/tty"};
};

/// What the latency that others ask for is: a device that every opener reads the host's value from.
std::unique_ptr<Attack> latency_wish(const Place&) {
  static constexpr char kNode[] = "/dev/cpu_dma_latency";
  const auto held = std::make_shared<Fd>();
  const auto look = std::make_shared<Fd>();
  Parts parts;
  parts.prepare = [=] {
    look->reset(::open(kNode, O_RDWR | O_CLOEXEC));
    return *look ? std::string() : refusal(std::string("open of ") + kNode);
  };
  parts.put = [=] {
    constexpr std::int32_t kMicroseconds = 1000;
    held->reset(::open(kNode, O_RDWR | O_CLOEXEC));
    if (::write(held->get(), &kMicroseconds, sizeof kMicroseconds) < 0) held->reset();
  };
  parts.take = [=] { held->reset(); };
  parts.look = [=] {
    std::int32_t value = 0;
    return ::pread(look->get(), &value, sizeof value, 0) > 0 ? value : -1.0;
  };
  return presence(parts);
}

int entropy() {
  const Fd random(::open("/dev/random", O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  int bits = -1;
  ::ioctl(random.get(), RNDGETENTCNT, &bits);
  return bits;
}

void use_up() {
  std::array<char, 4096> bytes;
  const Fd random(::open("/dev/random", O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  for (int i = 0; i < 16; ++i) attempt(::read(random.get(), bytes.data(), bytes.size()));
}

/// Random numbers that are left.
class Entropy : public Attack {
 public:
  std::string prepare() override {
    const int before = entropy();
    if (before < 0) return refusal("RNDGETENTCNT");
    use_up();
    return entropy() != before ? "" : "this kernel's count never changes";
  }

  void send(bool bit, Time until) override {
    if (bit) use_up();
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    seen.push_back(entropy());
    sleep_until(until);
  }
};

template <typename Kind>
std::unique_ptr<Attack> made(const Place&) {
  return std::make_unique<Kind>();
}

}  // namespace

std::vector<Means> device_means() {
  const auto storage = [](const char* name, const char* what, const char* needs,
                          std::unique_ptr<Attack> (*make)(const Place&)) {
    return Means{16, name, what, needs, Kind::storage, microseconds(3000), false, make};
  };
  return {
      storage("node_times", "times of device nodes are set; they are looked at", "one node", made<NodeTimes>),
      storage("latency_wish", "a wish for short latencies; what the device shows", "/dev/cpu_dma_latency",
              latency_wish),
      storage("entropy", "random numbers are used up; the count of what is left", "a kernel that counts them",
              made<Entropy>),
  };
}

}  // namespace sluice::covert
