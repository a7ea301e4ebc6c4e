// Class 12: memory, the page cache and other caches of files, and the disk below them.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>

#include "covert/attack/busy.hpp"
#include "covert/attack/counted.hpp"
#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;

constexpr std::size_t kPage = 4096;

/// For calls that may fail: what comes of them shows at the other side.
void attempt(long) {}

/// The largest of the system's libraries: most of it is not in memory.
std::string large_file() {
  std::string found;
  std::uintmax_t most = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/usr/lib/x86_64-linux-gnu", error)) {
    if (entry.is_symlink(error) || !entry.is_regular_file(error)) continue;
    const std::uintmax_t size = entry.file_size(error);
    if (size < most || (size == most && entry.path().string() > found)) continue;
    most = size;
    found = entry.path();
  }
  return found;
}

/// For each bit one page of a file that nobody has read for long: the high role reads it first, or nobody does.
class PageCache : public Attack {
 public:
  /// `timed`: by how long reading takes; otherwise by whether it would have to wait for the disk.
  PageCache(const Place& place, bool timed) : place_(place), timed_(timed) {}

  std::string prepare() override {
    const std::string path = large_file();
    file_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!file_ || ::fstat(file_.get(), &status) != 0) return refusal("open of a system library");
    pages_ = static_cast<std::size_t>(status.st_size) / kPage;
    if (pages_ < kLeastPages) return "no large file below /usr/lib";
    page_ = std::hash<std::string>{}(place_.token + (timed_ ? "t" : "n")) % pages_;
    // What the control reads is to be fresh, and what comes after it as well. In a sandbox the call is refused.
    if (place_.open) ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_DONTNEED);
    if (timed_) return {};
    attempt(::pread(file_.get(), &byte_, 1, 0));
    return at_once(0) >= 0 || errno == EAGAIN ? std::string() : refusal("preadv2 with RWF_NOWAIT");
  }

  void send(bool bit, Time until) override {
    if (bit)
      attempt(::pread(file_.get(), &byte_, 1, next()));
    else
      next();
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    const off_t place = next();
    const Time begin = Clock::now();
    const ssize_t got = timed_ ? ::pread(file_.get(), &byte_, 1, place) : at_once(place);
    seen.push_back(timed_ ? microseconds_since(begin) : static_cast<double>(got));
    sleep_until(until);
  }

 private:
  static constexpr std::size_t kLeastPages = 5000;
  static constexpr std::size_t kStride = 3;  // the kernel must not take it for reading in order

  off_t next() {
    page_ = (page_ + kStride) % pages_;
    return static_cast<off_t>(page_ * kPage);
  }

  ssize_t at_once(off_t place) {
    const iovec part{&byte_, 1};
    return ::preadv2(file_.get(), &part, 1, place, RWF_NOWAIT);
  }

  Place place_;
  bool timed_;
  Fd file_;
  std::size_t pages_ = 0;
  std::size_t page_ = 0;
  char byte_ = 0;
};

/// Names that do not exist: the file system below remembers that somebody has looked for them.
class NameCache : public Attack {
 public:
  explicit NameCache(const Place& place) : prefix_("/usr/share/doc/" + place.token + "-") {}

  std::string prepare() override { return ::access("/usr/share/doc", R_OK) == 0 ? std::string() : refusal("access"); }

  void send(bool bit, Time until) override {
    for (int i = 0; i < kNames; ++i) {
      const std::string name = prefix_ + std::to_string(next_++);
      if (bit) static_cast<void>(::access(name.c_str(), F_OK));
    }
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    std::vector<double> times;
    for (int i = 0; i < kNames; ++i) {
      const std::string name = prefix_ + std::to_string(next_++);
      const Time begin = Clock::now();
      static_cast<void>(::access(name.c_str(), F_OK));
      times.push_back(microseconds_since(begin));
    }
    seen.push_back(median(times));
    seen.push_back(*std::min_element(times.begin(), times.end()));
    sleep_until(until);
  }

 private:
  static constexpr int kNames = 8;

  std::string prefix_;
  long next_ = 0;
};

/// Does it as often as it can. Shows how long that takes, in microseconds: in the middle, at least, nine times of ten,
/// at most, how often, and in all.
void time_until(Time until, std::vector<double>& seen, const std::function<void()>& action) {
  std::vector<double> times;
  double sum = 0;
  while (Clock::now() < until) {
    const Time begin = Clock::now();
    action();
    times.push_back(microseconds_since(begin));
    sum += times.back();
  }
  if (times.empty()) times.push_back(0);
  std::sort(times.begin(), times.end());
  seen.insert(seen.end(), {median(times), times.front(), times[times.size() * 9 / 10], times.back(),
                           static_cast<double>(times.size()), sum});
}

/// Both write to their own folders, on one disk, and wait until it is there.
class Disk : public Attack {
 public:
  explicit Disk(const Place& place) : place_(place) {}
  ~Disk() override { ::unlink(path_.c_str()); }

  std::string prepare() override {
    path_ = place_.own + "/disk";
    file_.reset(::open(path_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    return file_ ? std::string() : refusal("open in the own folder");
  }

  void send(bool bit, Time until) override {
    static const std::vector<char> block(256 << 10, 'd');
    while (bit && Clock::now() < until) write_through(block);
    sleep_until(until);
  }

  /// Again and again: how long one write takes differs more from one to the next than with what the other role does.
  void observe(Time until, std::vector<double>& seen) override {
    static const std::vector<char> block(kPage, 'd');
    time_until(until, seen, [this] { write_through(block); });
  }

 private:
  void write_through(const std::vector<char>& block) {
    if (::pwrite(file_.get(), block.data(), block.size(), 0) > 0) ::fsync(file_.get());
  }

  Place place_;
  std::string path_;
  Fd file_;
};

/// Maps `bytes` of fresh memory, touches all of it page by page, and gives it back.
void churn(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  for (std::size_t at = 0; at < bytes; at += kPage) static_cast<volatile char*>(memory)[at] = 1;
  ::munmap(memory, bytes);
}

/// The kernel's stock of free pages: the high role takes and gives back much, the low role times a little, as often as
/// it can. What it sees is in part that processors are shared: these cannot be told apart from there.
class FreshMemory : public Attack {
 public:
  std::string prepare() override { return {}; }

  void send(bool bit, Time until) override {
    if (bit) on_all_processors(until, [] { churn(16 << 20); });
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    time_until(until, seen, [] { churn(128 << 10); });
  }
};

/// Address space with a promise of memory, or huge pages: `map` makes some, null if there are no more.
Counted mappings_of(const std::function<void*()>& map, std::size_t bytes, int most) {
  const auto held = std::make_shared<std::vector<void*>>();
  Counted means;
  means.take = [=] {
    void* memory = map();
    if (memory != nullptr) held->push_back(memory);
    return memory != nullptr;
  };
  means.give = [=] {
    ::munmap(held->back(), bytes);
    held->pop_back();
  };
  means.look = [=](std::vector<double>& seen) {
    void* memory = map();
    seen.push_back(memory != nullptr ? 0 : errno);
    if (memory != nullptr) ::munmap(memory, bytes);
  };
  means.most = most;
  return means;
}

/// Some mebibytes in huge pages of the host's pool.
std::unique_ptr<Attack> huge_pages(const Place&) {
  constexpr std::size_t kBytes = 2 << 20;
  const auto map = []() -> void* {
    void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
  };
  Counted means = mappings_of(map, kBytes, 1 << 16);
  means.prepare = [map] {
    void* memory = map();
    if (memory == nullptr) return refusal("mmap of huge pages");
    ::munmap(memory, kBytes);
    return std::string();
  };
  return counted(means);
}

/// Memory that is promised and never touched.
std::unique_ptr<Attack> promised_memory(const Place&) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const auto map = []() -> void* {
    void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
  };
  Counted means = mappings_of(map, kBytes, 1 << 14);
  means.prepare = [] {
    return text_of("/proc/sys/vm/overcommit_memory")[0] == '2' ? ""
                                                               : "vm.overcommit_memory is not 2: nothing is counted";
  };
  return counted(means);
}

template <typename Kind>
std::unique_ptr<Attack> made(const Place& place) {
  return std::make_unique<Kind>(place);
}

}  // namespace

std::vector<Means> memory_means() {
  static constexpr char kFile[] = "a file that both may read, /usr for one";
  return {
      {12, "page_cache", "pages of a large file are read or not; how long it takes to read them", kFile, Kind::timing,
       microseconds(2000), false,
       [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<PageCache>(place, true); }},
      {12, "page_cache_asked", "the same; reads that would have to wait are to say so", kFile, Kind::storage,
       microseconds(2000), false,
       [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<PageCache>(place, false); }},
      {12, "name_cache", "names that do not exist are looked for or not; how long it takes to look for them",
       "a folder that both may read, /usr for one", Kind::timing, microseconds(1000), false, made<NameCache>},
      {12, "disk_writes", "files are written through to the disk; how long that takes for a small one", "one disk",
       Kind::timing, microseconds(10000), false, made<Disk>},
      {12, "fresh_memory", "memory is taken and given back; how long that takes for a little", "one host", Kind::timing,
       microseconds(10000), false,
       [](const Place&) -> std::unique_ptr<Attack> { return std::make_unique<FreshMemory>(); }},
      {12, "huge_pages", "all huge pages are taken or not; one is asked for", "huge pages set aside by the host",
       Kind::storage, microseconds(5000), false, huge_pages},
      {12, "promised_memory", "address space is taken or not; more is asked for",
       "a host that promises no more memory than it has", Kind::storage, microseconds(5000), false, promised_memory},
  };
}

}  // namespace sluice::covert
