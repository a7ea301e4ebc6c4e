// Class 18: a slow leak. The sender makes all kinds of changes at once and holds them for long; the receiver looks at
// everything that it can read. What no other means thought of would show here, given time.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "covert/attack/upward.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kMostFiles = 400;
constexpr std::size_t kMostNumbers = 40;  // of one file
constexpr milliseconds kPatience{1};      // for one file

/// The first numbers of a file.
void numbers_of(const std::string& path, std::vector<double>& seen) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  std::array<char, 8192> text;
  const ssize_t got = ::read(file.get(), text.data(), text.size() - 1);
  text[static_cast<std::size_t>(std::max<ssize_t>(got, 0))] = '\0';
  std::size_t found = 0;
  for (char* place = text.data(); *place != '\0' && found < kMostNumbers;) {
    char* end = place + 1;
    if (*place >= '0' && *place <= '9') {
      seen.push_back(std::strtod(place, &end));
      ++found;
    }
    place = end;
  }
  // Lists become longer and shorter.
  seen.resize(seen.size() + kMostNumbers - found, 0);
}

/// Files of /proc that can be read at once, but those of processes other than this one.
std::vector<std::string> readable_files() {
  std::vector<std::string> found;
  std::error_code error;
  const auto add = [&](const std::string& folder, bool deep) {
    fs::recursive_directory_iterator place(folder, fs::directory_options::skip_permission_denied, error);
    for (const fs::recursive_directory_iterator end; !error && place != end; place.increment(error)) {
      const std::string name = place->path().filename();
      const bool process = folder == "/proc" && name.find_first_not_of("0123456789") == std::string::npos;
      if (!deep || process || place->is_symlink(error) || name == "task" || name == "attr") {
        place.disable_recursion_pending();
      }
      if (!place->is_regular_file(error) || found.size() >= kMostFiles) continue;
      const Time begin = Clock::now();
      std::vector<double> ignored;
      numbers_of(place->path(), ignored);
      if (Clock::now() - begin < kPatience) found.push_back(place->path());
    }
  };
  add("/proc/self", false);
  add("/proc/self/net", false);
  add("/proc", false);
  add("/proc/sys/fs", true);
  add("/proc/sys/kernel", true);
  return found;
}

/// What stat() and statfs() say of places that everybody has.
void look_at_places(const std::string& own, std::vector<double>& seen) {
  for (const char* place : {"/", "/proc", "/dev", "/dev/null", "/dev/pts", "/dev/shm", "/tmp", "/usr", "/usr/lib",
                            "/etc", "/run", "/run/sluice", own.c_str()}) {
    struct stat status {};
    struct statvfs space {};
    ::stat(place, &status);
    ::statvfs(place, &space);
    for (const timespec& time : {status.st_atim, status.st_mtim, status.st_ctim}) {
      seen.push_back(static_cast<double>(time.tv_sec % 100000) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3);
    }
    for (const auto number :
         {static_cast<std::uint64_t>(status.st_nlink), static_cast<std::uint64_t>(status.st_size),
          static_cast<std::uint64_t>(status.st_blocks), std::uint64_t{space.f_bfree}, std::uint64_t{space.f_ffree}}) {
      seen.push_back(static_cast<double>(number));
    }
  }
}

/// What the kernel says of the process itself, but for times.
void look_at_self(std::vector<double>& seen) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  for (const long number : {usage.ru_minflt, usage.ru_majflt, usage.ru_inblock, usage.ru_oublock}) {
    seen.push_back(static_cast<double>(number));
  }
}

class Everything : public Attack {
 public:
  explicit Everything(const Place& place) : place_(place) {}

  std::string prepare() override {
    if (place_.role == Role::low) files_ = readable_files();
    return {};
  }

  void send(bool bit, Time until) override {
    if (bit) stir();
    while (bit && place_.upward != nullptr && Clock::now() < until) {
      place_.upward->drain();
      sleep_until(Clock::now() + milliseconds(1));
    }
    sleep_until(until);
    if (bit) settle();
  }

  void observe(Time until, std::vector<double>& seen) override {
    for (const std::string& file : files_) numbers_of(file, seen);
    look_at_places(place_.own, seen);
    look_at_self(seen);
    double refused = 0;
    for (int i = 0; place_.upward != nullptr && i < 8; ++i) refused += place_.upward->put(512) ? 0 : 1;
    seen.push_back(refused);
    sleep_until(until);
    seen.push_back(place_.upward == nullptr ? 0 : static_cast<double>(place_.upward->backlog()));
  }

 private:
  static constexpr std::size_t kBytes = 16 << 20;

  void stir() {
    for (int i = 0; i < 4; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) ::pause();
      }
      if (child > 0) children_.push_back(child);
    }
    for (const std::string& name : names()) {
      held_.emplace_back(::open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
      if (::fallocate(held_.back().get(), 0, 0, kBytes) != 0) held_.pop_back();
    }
    for (int i = 0; i < 64; ++i) held_.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
    memory_ = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  }

  void settle() {
    for (const pid_t child : children_) ::kill(child, SIGKILL);
    for (const pid_t child : children_) ::waitpid(child, nullptr, 0);
    children_.clear();
    held_.clear();
    for (const std::string& name : names()) ::unlink(name.c_str());
    if (memory_ != MAP_FAILED) ::munmap(memory_, kBytes);
  }

  [[nodiscard]] std::array<std::string, 3> names() const {
    return {place_.own + "/stirred", "/tmp/" + place_.token + ".stirred", "/dev/shm/" + place_.token + ".stirred"};
  }

  Place place_;
  std::vector<std::string> files_;
  std::vector<pid_t> children_;
  std::vector<Fd> held_;
  void* memory_ = MAP_FAILED;
};

}  // namespace

std::vector<Means> slow_means() {
  return {{18, "everything", "processes, files, memory, descriptors and messages, slowly; all that can be read",
           "anything at all", Kind::storage, microseconds(50000), false,
           [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<Everything>(place); }}};
}

}  // namespace sluice::covert
