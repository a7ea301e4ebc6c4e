// Classes 19 and 20: what belongs to the run itself. The policy and what is made of it; logs, and what the run prints.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;

/// For calls that may fail: what comes of them shows at the other side.
void attempt(long) {}

/// Where the policy lies: beside the folders of both roles, if it can be seen at all.
std::string policy_of(const Place& place) { return fs::path(place.own).parent_path() / "policy.yaml"; }

/// A remark more in the policy file, or less.
std::unique_ptr<Attack> policy_file(const Place& place) {
  static constexpr char kRemark[] = "# remark\n";
  const std::string path = policy_of(place);
  Parts parts;
  parts.prepare = [=] {
    if (place.role == Role::low) return std::string();
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | (place.open ? O_CREAT : 0);
    return Fd(::open(path.c_str(), flags, 0666)) ? std::string() : refusal("open of the policy");
  };
  parts.put = [=] {
    const Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    attempt(::write(file.get(), kRemark, sizeof kRemark - 1));
  };
  parts.take = [=] {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
      attempt(::truncate(path.c_str(), status.st_size - static_cast<off_t>(sizeof kRemark - 1)));
    }
  };
  parts.look = [=] {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? static_cast<double>(status.st_size) : -1.0;
  };
  return presence(parts);
}

/// Where a run keeps what it needs while it goes on; in the control both have one such place.
std::unique_ptr<Attack> run_folder(const Place& place) {
  const std::vector<std::string> folders = place.open ? std::vector<std::string>{place.common}
                                                      : std::vector<std::string>{"/run/sluice", "/run/sluice/output"};
  Parts parts;
  parts.put = [=] {
    for (const std::string& folder : folders) {
      ::close(::open((folder + "/" + place.token).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
  };
  parts.take = [=] {
    for (const std::string& folder : folders) ::unlink((folder + "/" + place.token).c_str());
  };
  parts.look = [=] {
    double sum = 0;
    std::error_code error;
    for (const std::string& folder : folders) {
      sum += static_cast<double>(std::distance(fs::directory_iterator(folder, error), fs::directory_iterator()));
      sum += static_cast<double>(fs::last_write_time(folder, error).time_since_epoch().count() % 1'000'000'000'000);
    }
    return sum;
  };
  return presence(parts);
}

/// The high role prints; the low role looks at what its own output leads to.
class Printed : public Attack {
 public:
  std::string prepare() override { return {}; }

  void send(bool bit, Time until) override {
    static constexpr char kText[] = "covert: a line that anybody may print\n";
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      if (bit) attempt(::write(fd, kText, sizeof kText - 1));
    }
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      struct stat status {};
      int waiting = 0;
      ::fstat(fd, &status);
      ::ioctl(fd, FIONREAD, &waiting);
      for (const timespec& time : {status.st_atim, status.st_mtim, status.st_ctim}) {
        seen.push_back(static_cast<double>(time.tv_sec % 100000) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3);
      }
      seen.push_back(static_cast<double>(status.st_size));
      seen.push_back(static_cast<double>(waiting));
    }
    sleep_until(until);
  }
};

/// What makes the kernel say something; it does so a few times a second at most.
class KernelLog : public Attack {
 public:
  explicit KernelLog(const Place& place) : place_(place) {}

  std::string prepare() override {
    if (place_.role == Role::high) return {};
    if (::klogctl(kSizeOfBuffer, nullptr, 0) < 0) return refusal("syslog");
    log_.reset(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!log_) return refusal("open of /dev/kmsg");
    ::lseek(log_.get(), 0, SEEK_END);
    return {};
  }

  void send(bool bit, Time until) override {
    if (bit) {
      const pid_t child = ::fork();
      if (child == 0) {
        std::signal(SIGSEGV, SIG_DFL);
        void* nothing = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *static_cast<volatile char*>(nothing) = 1;  // a crash is what the kernel tells of
      }
      ::waitpid(child, nullptr, 0);
      const Fd log(place_.open ? ::open("/dev/kmsg", O_WRONLY | O_CLOEXEC) : -1);
      if (log) attempt(::write(log.get(), "<7>sluice covert: control", 25));
    }
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    std::array<char, 8192> record;
    double records = 0;
    while (::read(log_.get(), record.data(), record.size()) > 0 || errno == EPIPE) ++records;
    seen.push_back(records);
    sleep_until(until);
  }

 private:
  static constexpr int kSizeOfBuffer = 10;

  Place place_;
  Fd log_;
};

}  // namespace

std::vector<Means> administration_means() {
  return {
      {19, "policy_file", "the policy is written to; its size", "a policy in view", Kind::storage, microseconds(3000),
       false, policy_file},
      {19, "run_folder", "files in the run's own folder; what it holds", "one folder of the run", Kind::storage,
       microseconds(3000), false, run_folder},
      {20, "printed", "lines on standard output and error; state of the own ones", "one log", Kind::storage,
       microseconds(5000), false, [](const Place&) -> std::unique_ptr<Attack> { return std::make_unique<Printed>(); }},
      {20, "kernel_log", "crashes that the kernel tells of; its log", "the kernel's log", Kind::storage,
       microseconds(20000), false,
       [](const Place& place) -> std::unique_ptr<Attack> { return std::make_unique<KernelLog>(place); }},
  };
}

}  // namespace sluice::covert
