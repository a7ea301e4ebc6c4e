// Class 4: from a read-only descriptor of the flow's memory to more than that.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "covert/attack/upward.hpp"
#include "trusted/base/fd.hpp"
#include "wire/limits.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

constexpr std::size_t kPlace = 4000;  // in the first page, after what the ring uses of it

/// A writable descriptor of what `descriptor` opens read-only.
Fd reopened(int descriptor) {
  return Fd(::open(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), O_RDWR | O_CLOEXEC));
}

/// High opens its end again for writing and writes; low looks at its own end.
class Reopen : public Attack {
 public:
  explicit Reopen(const Place& place) : place_(place) {}

  std::string prepare() override {
    if (place_.role == Role::low) return {};
    if (::mprotect(place_.upward->memory(), wire::kPage, PROT_READ | PROT_WRITE) == 0) {
      writable_ = place_.upward->memory();
      return {};
    }
    const Fd again = reopened(place_.upward->descriptor());
    if (!again) return refusal("open for writing");
    void* mapped = ::mmap(nullptr, wire::kPage, PROT_READ | PROT_WRITE, MAP_SHARED, again.get(), 0);
    if (mapped == MAP_FAILED) return refusal("mmap");
    writable_ = static_cast<std::byte*>(mapped);
    return {};
  }

  void send(bool bit, Time until) override {
    write(bit);
    sleep_until(until);
    write(false);
  }

  void observe(Time until, std::vector<double>& seen) override {
    seen.push_back(static_cast<double>(*const_cast<const volatile std::byte*>(place_.upward->memory() + kPlace)));
    sleep_until(until);
  }

 private:
  void write(bool bit) { *const_cast<volatile std::byte*>(writable_ + kPlace) = std::byte{bit}; }

  Place place_;
  std::byte* writable_ = nullptr;
};

/// High makes the memory of its end longer; low looks at the size of its own.
std::unique_ptr<Attack> resize(const Place& place) {
  const auto set_size = [place](off_t bytes) {
    const Fd again = reopened(place.upward->descriptor());
    return ::ftruncate(again ? again.get() : place.upward->descriptor(), bytes) == 0;
  };
  const auto size = [place] {
    struct stat status {};
    return ::fstat(place.upward->descriptor(), &status) == 0 ? status.st_size : 0;
  };
  const off_t before = size();
  Parts parts;
  parts.prepare = [=] { return place.role == Role::low || set_size(before) ? "" : refusal("ftruncate"); };
  parts.put = [=] { static_cast<void>(set_size(before + 4096)); };
  parts.take = [=] { static_cast<void>(set_size(before)); };
  parts.look = [=] { return static_cast<double>(size()); };
  return presence(parts);
}

/// A buffer for devices made of a memfd gave writable pages of sealed memory once. Only whether it is there.
std::unique_ptr<Attack> udmabuf(const Place&) {
  Parts parts;
  parts.prepare = [] {
    const Fd device(::open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
    return device ? std::string() : refusal("open of /dev/udmabuf");
  };
  parts.put = parts.take = [] {};
  parts.look = [] { return 0.0; };
  return presence(parts);
}

}  // namespace

std::vector<Means> descriptor_means() {
  return {
      {4, "reopen_memory", "receiver of the flow opens its memory again for writing, and writes",
       "one inode for both ends, a mode that lets it", Kind::storage, microseconds(2000), true,
       [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<Reopen>(place); }},
      {4, "resize_memory", "the same, and makes it longer", "the same, and no seals", Kind::storage, microseconds(2000),
       true, resize},
      {4, "udmabuf", "the same by way of a device buffer", "/dev/udmabuf", Kind::storage, microseconds(2000), true,
       udmabuf},
  };
}

}  // namespace sluice::covert
