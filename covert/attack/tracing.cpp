// Class 14: calls that reach into other processes, or past the kernel's usual ways.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;

constexpr int kNobody = 0x7ffffff0;                       // a process that there is not
constexpr int kPlacedDescriptor = 777;                    // of the high role, for bit 1
constexpr std::uintptr_t kPlacedPage = 0x2bcd'0000'0000;  // in the high role's memory

/// For calls that may fail: what comes of them shows at the other side.
void attempt(long) {}

double outcome(long returned) { return returned >= 0 ? 0 : errno; }

/// Empty if the call is there at all: it failed with `expected` or did not fail. Else why it cannot be used.
std::string there(long returned, int expected, const char* call) {
  return returned >= 0 || errno == expected ? std::string() : refusal(call);
}

/// Looks for the process of the high role by its arguments; 0 if none is to be seen.
class Victim {
 public:
  explicit Victim(const Place& place) : token_(place.token) {}

  pid_t id() {
    if (found_ == 0) search();
    return found_;
  }

 private:
  void search() {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
      const std::string line = text_of(entry.path() / "cmdline");
      const char* role = line.c_str() + std::min(line.size(), std::strlen(line.c_str()) + 1);
      if (std::strcmp(role, "high") != 0 || line.find(token_) == std::string::npos) continue;
      found_ = static_cast<pid_t>(std::strtol(entry.path().filename().c_str(), nullptr, 10));
      return;
    }
  }

  std::string token_;
  pid_t found_ = 0;
};

/// The sender's part of what looks into its memory: a word at a known place. In the low role nothing is there.
Parts placed_word(const Place& place, const std::string& refused) {
  Parts parts;
  parts.prepare = [=] {
    if (!refused.empty() || place.role == Role::low) return refused;
    void* page = ::mmap(reinterpret_cast<void*>(kPlacedPage), 4096, PROT_READ | PROT_WRITE,  // NOLINT
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return page != MAP_FAILED || errno == EEXIST ? std::string() : refusal("mmap");
  };
  parts.put = [] { *reinterpret_cast<volatile long*>(kPlacedPage) = 1; };   // NOLINT
  parts.take = [] { *reinterpret_cast<volatile long*>(kPlacedPage) = 0; };  // NOLINT
  return parts;
}

std::unique_ptr<Attack> read_memory(const Place& place) {
  const auto victim = std::make_shared<Victim>(place);
  Parts parts = placed_word(place, "");
  parts.look = [=] {
    long word = -1;
    const iovec here{&word, sizeof word};
    const iovec remote{reinterpret_cast<void*>(kPlacedPage), sizeof word};  // NOLINT
    if (victim->id() != 0) {
      ::process_vm_readv(victim->id(), &here, 1, &remote, 1, 0);
      return static_cast<double>(word);
    }
    // Perhaps it has another number here.
    for (pid_t process = 1; process < 64 && word < 0; ++process) {
      ::process_vm_readv(process, &here, 1, &remote, 1, 0);
    }
    return static_cast<double>(word);
  };
  return presence(parts);
}

std::unique_ptr<Attack> trace(const Place& place) {
  const auto victim = std::make_shared<Victim>(place);
  Parts parts = placed_word(place, there(::ptrace(PTRACE_SEIZE, kNobody, nullptr, nullptr), ESRCH, "ptrace"));
  parts.look = [=] {
    const pid_t process = victim->id();
    if (process == 0 || ::ptrace(PTRACE_SEIZE, process, nullptr, nullptr) != 0) return -1.0;
    ::ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr);
    ::waitpid(process, nullptr, __WALL);
    const long word = ::ptrace(PTRACE_PEEKDATA, process, kPlacedPage, nullptr);
    ::ptrace(PTRACE_DETACH, process, nullptr, nullptr);
    return static_cast<double>(word);
  };
  return presence(parts);
}

std::unique_ptr<Attack> take_descriptor(const Place& place) {
  const auto victim = std::make_shared<Victim>(place);
  Parts parts;
  parts.prepare = [] { return there(::syscall(SYS_pidfd_getfd, -1, 0, 0), EBADF, "pidfd_getfd"); };
  parts.put = [] { ::dup2(STDERR_FILENO, kPlacedDescriptor); };
  parts.take = [] { ::close(kPlacedDescriptor); };
  parts.look = [=] {
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, victim->id(), 0)));
    const Fd taken(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), kPlacedDescriptor, 0)));
    return taken ? 1.0 : 0.0;
  };
  return presence(parts);
}

/// A page of shared memory is there or is not; a handler of page faults can put one where there is none.
std::unique_ptr<Attack> page_faults(const Place& place) {
  struct State {
    Fd file;
    Fd faults;
    void* memory = nullptr;
  };
  const auto state = std::make_shared<State>();
  const auto clear = [=] { ::fallocate(state->file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096); };
  Parts parts;
  parts.prepare = [=] {
    state->faults.reset(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)));
    if (!state->faults) return refusal("userfaultfd");
    uffdio_api api{UFFD_API, 0, 0};
    if (::ioctl(state->faults.get(), UFFDIO_API, &api) != 0) return refusal("userfaultfd");
    state->file.reset(::open(("/dev/shm/" + place.token + ".page").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666));
    if (::ftruncate(state->file.get(), 4096) != 0) return refusal("ftruncate");
    state->memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, state->file.get(), 0);
    uffdio_register range{};
    range.range = {reinterpret_cast<std::uintptr_t>(state->memory), 4096};
    range.mode = UFFDIO_REGISTER_MODE_MISSING;
    if (place.role == Role::high) return std::string();
    return ::ioctl(state->faults.get(), UFFDIO_REGISTER, &range) == 0 ? std::string() : refusal("userfaultfd");
  };
  parts.put = [=] { attempt(::pwrite(state->file.get(), "x", 1, 0)); };
  parts.take = clear;
  parts.look = [=] {
    alignas(4096) static const std::array<char, 4096> zeros{};
    uffdio_zeropage page{};
    page.range = {reinterpret_cast<std::uintptr_t>(state->memory), 4096};
    uffdio_copy copy{reinterpret_cast<std::uintptr_t>(state->memory), reinterpret_cast<std::uintptr_t>(zeros.data()),
                     4096, 0, 0};
    const double seen = outcome(::ioctl(state->faults.get(), UFFDIO_COPY, &copy));
    if (seen == 0) clear();
    return seen;
  };
  return presence(parts);
}

/// A ring of operations, of which a filter of system calls sees nothing: one operation at a time.
class Ring {
 public:
  /// Empty, or why there is none.
  std::string open() {
    io_uring_params parameters{};
    ring_.reset(static_cast<int>(::syscall(SYS_io_uring_setup, 4, &parameters)));
    if (!ring_) return refusal("io_uring_setup");
    offsets_ = parameters;
    submissions_ = map(parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    completions_ = map(parameters.cq_off.cqes + parameters.cq_entries * sizeof(io_uring_cqe), IORING_OFF_CQ_RING);
    entries_ = reinterpret_cast<io_uring_sqe*>(map(parameters.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
    const bool mapped = submissions_ != nullptr && completions_ != nullptr && entries_ != nullptr;
    return mapped ? std::string() : refusal("mmap of a ring");
  }

  /// Opens a file. Returns a descriptor, or -errno.
  int open_file(const char* path) {
    entries_[0] = {};
    entries_[0].opcode = IORING_OP_OPENAT;
    entries_[0].fd = AT_FDCWD;
    entries_[0].addr = reinterpret_cast<std::uintptr_t>(path);
    entries_[0].open_flags = O_RDONLY | O_CLOEXEC;
    unsigned& tail = word(submissions_, offsets_.sq_off.tail);
    word(submissions_, offsets_.sq_off.array + (tail & word(submissions_, offsets_.sq_off.ring_mask)) * 4) = 0;
    __atomic_store_n(&tail, tail + 1, __ATOMIC_RELEASE);
    if (::syscall(SYS_io_uring_enter, ring_.get(), 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) return -errno;
    unsigned& head = word(completions_, offsets_.cq_off.head);
    const unsigned index = head & word(completions_, offsets_.cq_off.ring_mask);
    const int result = reinterpret_cast<io_uring_cqe*>(completions_ + offsets_.cq_off.cqes)[index].res;
    __atomic_store_n(&head, head + 1, __ATOMIC_RELEASE);
    return result;
  }

 private:
  std::byte* map(std::size_t bytes, off_t offset) {
    void* place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_.get(), offset);
    return place == MAP_FAILED ? nullptr : static_cast<std::byte*>(place);
  }

  static unsigned& word(std::byte* ring, std::size_t offset) { return *reinterpret_cast<unsigned*>(ring + offset); }

  Fd ring_;
  io_uring_params offsets_{};
  std::byte* submissions_ = nullptr;
  std::byte* completions_ = nullptr;
  io_uring_sqe* entries_ = nullptr;
};

std::unique_ptr<Attack> ring_of_operations(const Place& place) {
  const auto ring = std::make_shared<Ring>();
  const std::string path = "/tmp/" + place.token + ".ring";
  Parts parts;
  parts.prepare = [=] { return ring->open(); };
  parts.put = [=] { ::close(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666)); };
  parts.take = [=] { ::unlink(path.c_str()); };
  parts.look = [=] {
    const int result = ring->open_file(path.c_str());
    if (result >= 0) ::close(result);
    return result >= 0 ? 0.0 : -result;
  };
  return presence(parts);
}

long bpf(int command, bpf_attr& attributes) { return ::syscall(SYS_bpf, command, &attributes, sizeof attributes); }

/// Maps of programs in the kernel have numbers that the whole host shares.
std::unique_ptr<Attack> kernel_maps(const Place&) {
  const auto held = std::make_shared<Fd>();
  const auto newest = [] {
    bpf_attr next{};
    while (bpf(BPF_MAP_GET_NEXT_ID, next) == 0) next.start_id = next.next_id;
    return static_cast<double>(next.start_id);
  };
  const auto make = [] {
    bpf_attr map{};
    map.map_type = BPF_MAP_TYPE_ARRAY;
    map.key_size = 4;
    map.value_size = 4;
    map.max_entries = 1;
    return Fd(static_cast<int>(bpf(BPF_MAP_CREATE, map)));
  };
  Parts parts;
  parts.prepare = [make] { return make() ? std::string() : refusal("bpf"); };
  parts.put = [=] { *held = make(); };
  parts.take = [=] { held->reset(); };
  parts.look = newest;
  return presence(parts);
}

/// Page faults on each processor, whoever has them.
class Counters : public Attack {
 public:
  std::string prepare() override {
    for (int processor = 0; processor < static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)); ++processor) {
      perf_event_attr event{};
      event.size = sizeof event;
      event.type = PERF_TYPE_SOFTWARE;
      event.config = PERF_COUNT_SW_PAGE_FAULTS;
      counters_.emplace_back(static_cast<int>(::syscall(SYS_perf_event_open, &event, -1, processor, -1, 0)));
      if (!counters_.back()) return refusal("perf_event_open");
    }
    return {};
  }

  void send(bool bit, Time until) override {
    constexpr std::size_t kBytes = 4 << 20;
    if (bit) {
      void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      for (std::size_t i = 0; i < kBytes; i += 4096) static_cast<volatile char*>(memory)[i] = 1;
      ::munmap(memory, kBytes);
    }
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    double sum = 0;
    for (const Fd& counter : counters_) {
      std::uint64_t value = 0;
      if (::read(counter.get(), &value, sizeof value) > 0) sum += static_cast<double>(value);
    }
    seen.push_back(sum);
    sleep_until(until);
  }

 private:
  std::vector<Fd> counters_;
};

}  // namespace

std::vector<Means> tracing_means() {
  constexpr microseconds kSlot{3000};
  const auto storage = [](const char* name, const char* what, const char* needs,
                          std::unique_ptr<Attack> (*make)(const Place&)) {
    return Means{14, name, what, needs, Kind::storage, kSlot, false, make};
  };
  static constexpr char kProcess[] = "the call, and a process in view";
  return {
      storage("process_memory", "a word in memory; process_vm_readv", kProcess, read_memory),
      storage("ptrace", "a word in memory; ptrace", kProcess, trace),
      storage("pidfd_getfd", "a descriptor; pidfd_getfd takes it", kProcess, take_descriptor),
      storage("userfaultfd", "a page of shared memory; a fault handler puts one there", "the call, and shared memory",
              page_faults),
      storage("io_uring", "a file in /tmp; a ring of operations opens it", "the call, and one /tmp",
              ring_of_operations),
      storage("bpf", "a map in the kernel; numbers of maps", "the call, and privilege", kernel_maps),
      storage("perf_event", "page faults; counters of each processor", "the call, and privilege",
              [](const Place&) -> std::unique_ptr<Attack> { return std::make_unique<Counters>(); }),
  };
}

}  // namespace sluice::covert
