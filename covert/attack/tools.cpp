#include "covert/attack/tools.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

constexpr std::size_t kMostText = 1 << 20;
constexpr std::size_t kPageBytes = 4096;

class Presence : public Attack {
 public:
  explicit Presence(Parts parts) : parts_(std::move(parts)) {}

  std::string prepare() override { return parts_.prepare ? parts_.prepare() : std::string(); }

  void send(bool bit, Time until) override {
    if (bit) parts_.put();
    sleep_until(until);
    if (bit) parts_.take();
  }

  void observe(Time until, std::vector<double>& seen) override {
    seen.push_back(parts_.look());
    sleep_until(until);
  }

 private:
  Parts parts_;
};

}  // namespace

void sleep_until(Time time) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  const timespec until{since_epoch / 1'000'000'000, since_epoch % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

std::string refusal(const std::string& what) {
  const char* name = ::strerrorname_np(errno);
  return std::string(name == nullptr ? "refused" : name) + " (" + what + ")";
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double microseconds_since(Time begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

std::string text_of(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 16384> block;
  while (file && text.size() < kMostText) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got <= 0) break;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::string MappedPage::map(const std::string& path, bool touched) {
  unmap();
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return refusal("open of " + path);
  void* place = ::mmap(nullptr, kPageBytes, PROT_READ, MAP_SHARED, file.get(), 0);
  if (place == MAP_FAILED) return refusal("mmap");
  bytes_ = static_cast<const std::byte*>(place);
  if (touched) static_cast<void>(*const_cast<const volatile std::byte*>(bytes_));
  return {};
}

void MappedPage::unmap() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): as munmap() wants it
  if (bytes_ != nullptr) ::munmap(const_cast<std::byte*>(bytes_), kPageBytes);
  bytes_ = nullptr;
}

std::unique_ptr<Attack> presence(Parts parts) { return std::make_unique<Presence>(std::move(parts)); }

}  // namespace sluice::covert
