// Class 6: what an inode or a page tells of those who use it.
#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

constexpr microseconds kSlot{2000};
constexpr char kAttribute[] = "user.covert";

void read_some(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 64> bytes{};
  static_cast<void>(!::read(file.get(), bytes.data(), bytes.size()));
}

/// Sender reads, and sets times where it may; receiver looks at all times.
class Times : public Attack {
 public:
  explicit Times(const Place& place)
      : files_{place.shared, kSystemFile, "/", "/usr/bin", "/etc", "/dev/null", "/dev/full", "/proc", "/run"} {}

  std::string prepare() override { return {}; }

  void send(bool bit, Time until) override {
    for (const std::string& path : files_) {
      if (!bit) break;
      read_some(path);
      ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    }
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    for (const std::string& path : files_) {
      struct stat status {};
      ::stat(path.c_str(), &status);
      for (const timespec& time : {status.st_atim, status.st_mtim, status.st_ctim}) {
        seen.push_back(static_cast<double>(time.tv_sec % 100'000) * 1e9 + static_cast<double>(time.tv_nsec));
      }
    }
    sleep_until(until);
  }

 private:
  std::vector<std::string> files_;
};

std::unique_ptr<Attack> attributes(const Place& place) {
  Parts parts;
  parts.prepare = [=] {
    if (place.role == Role::low) return std::string();
    const bool set = ::setxattr(place.shared.c_str(), kAttribute, "1", 1, 0) == 0;
    ::removexattr(place.shared.c_str(), kAttribute);
    return set ? std::string() : refusal("setxattr");
  };
  parts.put = [=] { ::setxattr(place.shared.c_str(), kAttribute, "1", 1, 0); };
  parts.take = [=] { ::removexattr(place.shared.c_str(), kAttribute); };
  parts.look = [=] { return static_cast<double>(::getxattr(place.shared.c_str(), kAttribute, nullptr, 0)); };
  return presence(parts);
}

/// Somebody who opens a file breaks a lease on it. The receiver takes a new one each time.
class Lease : public Attack {
 public:
  explicit Lease(const Place& place) : place_(place) {}

  std::string prepare() override {
    if (place_.role == Role::high) return {};
    ::signal(SIGIO, SIG_IGN);  // which says that the lease is broken
    file_.reset(::open(place_.shared.c_str(), O_RDONLY | O_CLOEXEC));
    return ::fcntl(file_.get(), F_SETLEASE, F_WRLCK) == 0 ? std::string() : refusal("F_SETLEASE");
  }

  void send(bool bit, Time until) override {
    if (bit) ::close(::open(place_.shared.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    seen.push_back(::fcntl(file_.get(), F_GETLEASE));
    ::fcntl(file_.get(), F_SETLEASE, F_UNLCK);
    ::fcntl(file_.get(), F_SETLEASE, F_WRLCK);
    sleep_until(until);
  }

 private:
  Place place_;
  Fd file_;
};

std::unique_ptr<Attack> watches(const Place& place) {
  const auto watch = std::make_shared<Fd>();
  Parts parts;
  parts.prepare = [=] {
    if (place.role == Role::high) return std::string();
    watch->reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!*watch) return refusal("inotify_init1");
    const bool added = ::inotify_add_watch(watch->get(), place.shared.c_str(), IN_OPEN) >= 0;
    return added ? std::string() : refusal("inotify_add_watch");
  };
  parts.put = [=] { read_some(place.shared); };
  parts.take = [] {};
  parts.look = [=] {
    alignas(inotify_event) std::array<char, 4096> events{};
    return static_cast<double>(::read(watch->get(), events.data(), events.size()));
  };
  return presence(parts);
}

std::unique_ptr<Attack> write_hint(const Place& place) {
  const auto set = [=](std::uint64_t hint) {
    const Fd file(::open(place.shared.c_str(), O_RDONLY | O_CLOEXEC));
    return ::fcntl(file.get(), F_SET_RW_HINT, &hint) == 0;
  };
  const auto get = [=] {
    const Fd file(::open(place.shared.c_str(), O_RDONLY | O_CLOEXEC));
    std::uint64_t hint = 0;
    return ::fcntl(file.get(), F_GET_RW_HINT, &hint) == 0 ? static_cast<double>(hint) : -1.0;
  };
  Parts parts;
  parts.prepare = [=] {
    const bool done = place.role == Role::high ? set(RWH_WRITE_LIFE_NOT_SET) : get() >= 0;
    return done ? std::string() : refusal("RW_HINT");
  };
  parts.put = [=] { set(RWH_WRITE_LIFE_LONG); };
  parts.take = [=] { set(RWH_WRITE_LIFE_NOT_SET); };
  parts.look = get;
  return presence(parts);
}

/// The sender's part of all means on pages: has a page of `path` in its memory, or not.
Parts mapping(const std::string& path) {
  const auto page = std::make_shared<MappedPage>();
  Parts parts;
  parts.put = [=] { static_cast<void>(page->map(path)); };
  parts.take = [=] { page->unmap(); };
  return parts;
}

/// How many map a page: by the share of it that the kernel reckons to this process.
double share_of(const MappedPage& page) {
  const std::string maps = text_of("/proc/self/smaps");
  std::array<char, 32> start{};
  std::snprintf(start.data(), start.size(), "%lx-", reinterpret_cast<unsigned long>(page.bytes()));
  const std::size_t entry = maps.find(start.data());
  const std::size_t share = maps.find("Pss:", entry);
  return entry == std::string::npos || share == std::string::npos ? -1 : std::strtod(maps.c_str() + share + 4, nullptr);
}

/// Whether this process alone maps a page: bit 56 of its entry.
double alone_on(const MappedPage& page) {
  const Fd map(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  std::uint64_t entry = 0;
  const auto offset = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(page.bytes()) / 4096 * sizeof entry);
  static_cast<void>(*const_cast<const volatile std::byte*>(page.bytes()));
  const bool read = ::pread(map.get(), &entry, sizeof entry, offset) == static_cast<ssize_t>(sizeof entry);
  return read ? static_cast<double>(entry >> 56 & 1) : -1;
}

template <double (*look)(const MappedPage&)>
std::unique_ptr<Attack> mapped_page(const Place& place, const std::string& path, const char* file) {
  const auto own = std::make_shared<MappedPage>();
  Parts parts = mapping(path);
  parts.prepare = [=] {
    if (std::string problem = own->map(path); !problem.empty()) return problem;
    const bool answers = look(*own) >= 0;
    if (place.role == Role::high) own->unmap();
    return answers ? std::string() : refusal(file);
  };
  parts.look = [=] { return look(*own); };
  return presence(parts);
}

std::unique_ptr<Attack> page_share_system(const Place& place) {
  return mapped_page<share_of>(place, kSystemFile, "smaps");
}
std::unique_ptr<Attack> page_share(const Place& place) { return mapped_page<share_of>(place, place.shared, "smaps"); }
std::unique_ptr<Attack> page_alone(const Place& place) { return mapped_page<alone_on>(place, kSystemFile, "pagemap"); }

/// Sender reads a file, or has its pages dropped; receiver asks whether they are in memory.
std::unique_ptr<Attack> resident(const Place& place) {
  const auto page = std::make_shared<MappedPage>();
  const auto drop = [=] {
    const Fd file(::open(place.shared.c_str(), O_RDONLY | O_CLOEXEC));
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  };
  const auto ask = [=] {
    unsigned char there = 0;
    void* start = const_cast<std::byte*>(page->bytes());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    return ::mincore(start, 4096, &there) == 0 ? static_cast<double>(there & 1) : -1.0;
  };
  Parts parts;
  parts.prepare = [=] {
    if (place.role == Role::high) return std::string();
    if (std::string problem = page->map(place.shared, false); !problem.empty()) return problem;
    return ask() >= 0 ? std::string() : refusal("mincore");
  };
  parts.put = [=] { read_some(place.shared); };
  parts.take = drop;
  parts.look = ask;
  return presence(parts);
}

Means storage(const char* name, const char* what, const char* needs, std::unique_ptr<Attack> (*make)(const Place&)) {
  return {6, name, what, needs, Kind::storage, kSlot, false, make};
}

}  // namespace

std::vector<Means> inode_means() {
  static constexpr char kInode[] = "an inode that both can open";
  static constexpr char kCache[] = "one page cache";
  return {
      storage("file_times", "sender reads, and sets times; receiver asks for times", kInode,
              [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<Times>(place); }),
      storage("attributes", "an extended attribute is set", kInode, attributes),
      storage("leases", "a file is opened; a lease on it is broken", kInode,
              [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<Lease>(place); }),
      storage("watches", "a file is opened; a watch tells", kInode, watches),
      storage("write_hint", "a write-life hint is set", kInode, write_hint),
      storage("page_share_system", "a page of a file below /usr is mapped; /proc/self/smaps tells", kCache,
              page_share_system),
      storage("page_share", "the same with a file that the policy grants to both", kCache, page_share),
      storage("page_alone", "a page of a file below /usr is mapped; /proc/self/pagemap tells", kCache, page_alone),
      storage("resident_pages", "a file is read or dropped; mincore() tells", kCache, resident),
  };
}

}  // namespace sluice::covert
