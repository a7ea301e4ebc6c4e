// A receiving rank that tries to write to its mailbox, or to be noticed by the sender or the guard. README.md says what
// must come of each misdeed.
//
//   hostile_receiver MISDEED
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <chrono>
#include <csignal>

#include "tests/attacks/attempt.hpp"
#include "tests/attacks/hostile.hpp"

namespace {

using namespace sluice;           // NOLINT(google-build-using-namespace)
using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)

/// The descriptor of a mailbox and its read-only mapping; or of memory that nobody protects, for the control.
struct Mailbox {
  int fd;
  void* mapping;
};

int reopened(const Mailbox& box, int flags) {
  return ::open(("/proc/self/fd/" + std::to_string(box.fd)).c_str(), flags);
}

/// A verdict on `act` with a descriptor that was opened again for writing; of the opening if that failed.
std::string through_reopened(const Mailbox& box, const std::function<std::int64_t(int)>& act) {
  const int fd = reopened(box, O_RDWR);
  if (fd < 0) return "open: " + name_of(errno);
  std::string verdict = verdict_of(act(fd));
  ::close(fd);
  return verdict;
}

std::int64_t map_writable(int fd) {
  return ::mmap(nullptr, wire::kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED ? 0 : -1;
}

std::int64_t punch(int fd) { return ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, wire::kPage); }

std::int64_t write_through_memory_file(const Mailbox& box) {
  const int fd = ::open("/proc/self/mem", O_RDWR);
  return ::pwrite(fd, "x", 1, static_cast<off_t>(reinterpret_cast<std::uintptr_t>(box.mapping)));
}

std::int64_t write_by_process_call(const Mailbox& box) {
  char byte = 'x';
  iovec local{&byte, 1};
  iovec remote{box.mapping, 1};
  return ::process_vm_writev(::getpid(), &local, 1, &remote, 1, 0);
}

/// Maps a page, turns the mapping writable through mremap of a larger private one: still the same file's page?
std::int64_t remap(const Mailbox& box) {
  void* moved = ::mremap(box.mapping, wire::kPage, 2 * wire::kPage, MREMAP_MAYMOVE);
  return moved == MAP_FAILED ? -1 : ::mprotect(moved, wire::kPage, PROT_READ | PROT_WRITE);
}

/// Each attempt has its own `get()`: in the control it gets memory that no other attempt has spoiled.
std::vector<Attempt> write_attempts(const std::function<Mailbox()>& get) {
  return {
      {"mailbox_write", [=] { return verdict_of(::write(get().fd, "x", 1)); }},
      {"mailbox_pwrite", [=] { return verdict_of(::pwrite(get().fd, "x", 1, 0)); }},
      {"mailbox_truncate", [=] { return verdict_of(::ftruncate(get().fd, 0)); }},
      {"mailbox_punch_hole", [=] { return verdict_of(punch(get().fd)); }},
      {"mailbox_map_writable", [=] { return verdict_of(map_writable(get().fd)); }},
      {"mailbox_protect_writable",
       [=] { return verdict_of(::mprotect(get().mapping, wire::kPage, PROT_READ | PROT_WRITE)); }},
      {"mailbox_remap", [=] { return verdict_of(remap(get())); }},
      {"mailbox_advise_remove", [=] { return verdict_of(::madvise(get().mapping, wire::kPage, MADV_REMOVE)); }},
      {"mailbox_memory_file", [=] { return verdict_of(write_through_memory_file(get())); }},
      {"mailbox_process_writev", [=] { return verdict_of(write_by_process_call(get())); }},
      {"mailbox_add_seals", [=] { return verdict_of(::fcntl(get().fd, F_ADD_SEALS, F_SEAL_SEAL)); }},
      {"mailbox_reopened_pwrite",
       [=] { return through_reopened(get(), [](int fd) { return ::pwrite(fd, "x", 1, 0); }); }},
      {"mailbox_reopened_truncate", [=] { return through_reopened(get(), [](int fd) { return ::ftruncate(fd, 0); }); }},
      {"mailbox_reopened_grow",
       [=] { return through_reopened(get(), [](int fd) { return ::ftruncate(fd, off_t{1} << 32); }); }},
      {"mailbox_reopened_punch_hole", [=] { return through_reopened(get(), punch); }},
      {"mailbox_reopened_map_writable", [=] { return through_reopened(get(), map_writable); }},
      {"mailbox_reopened_add_seals",
       [=] { return through_reopened(get(), [](int fd) { return ::fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL); }); }},
  };
}

/// Memory as a naive guard would hand it out: writable, and without a seal.
Mailbox unprotected() {
  const int writable = ::memfd_create("unprotected", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (::ftruncate(writable, 2 * wire::kPage) != 0) std::exit(3);
  void* mapping = ::mmap(nullptr, wire::kPage, PROT_READ | PROT_WRITE, MAP_SHARED, writable, 0);
  return {writable, mapping};
}

/// Waits until the first segments have been filled, then gives back what `claim` says.
void release(RawRank& rank, std::uint64_t claim) {
  for (int i = 0; i < 40; ++i) rank.receive(0, 2000);
  rank.cursor()->inflow[0].segments_released.store(claim);
  ::sleep(5);
}

void close_everything(RawRank&) {
  for (int fd = 3; fd < 256; ++fd) ::close(fd);
  ::sleep(3);
}

/// The wake socket and the doorbell, full, empty and shut down, while mail comes in.
void wake_games(RawRank& rank) {
  const int wake = rank.wake_socket();
  ::fcntl(wake, F_SETFL, ::fcntl(wake, F_GETFL) & ~O_NONBLOCK);
  for (int i = 0; i < 2000 && ::send(wake, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1; ++i) continue;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < end) {
    rank.cursor()->asleep.store(1);
    char byte[8];
    ::recv(wake, byte, sizeof byte, MSG_DONTWAIT);
    rank.cursor()->asleep.store(0xffffffff);
  }
  ::shutdown(wake, SHUT_RDWR);
  ::sleep(1);
}

void sleep_without_wish(RawRank& rank) {
  rank.cursor()->asleep.store(1);
  ::sleep(3);
}

void stop_oneself(RawRank&) {
  const pid_t waker = ::fork();
  if (waker == 0) {
    ::sleep(3);
    ::kill(::getppid(), SIGCONT);
    ::_exit(0);
  }
  ::kill(::getpid(), SIGSTOP);
}

std::vector<Misdeed> all_misdeeds() {
  return {
      {"write_mailbox",
       [](RawRank& rank) {
         const Mailbox box{rank.descriptors()[wire::kFixedDescriptors], const_cast<std::byte*>(rank.mailbox(0))};
         run_attempts(write_attempts([box] { return box; }));
       }},
      {"exit_at_once", [](RawRank&) {}},
      {"cursor_ahead", [](RawRank& rank) { release(rank, 1'000'000); }},
      {"cursor_backwards", [](RawRank& rank) { release(rank, 0); }},
      {"close_everything", close_everything},
      {"wake_games", wake_games},
      {"asleep_for_ever", sleep_without_wish},
      {"stopped", stop_oneself},
      {"killed", [](RawRank&) { ::kill(::getpid(), SIGKILL); }},
  };
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "control") == 0) {
    run_attempts(write_attempts(unprotected));
    return 0;
  }
  const std::vector<Misdeed> misdeeds = all_misdeeds();
  const Misdeed& misdeed = chosen(misdeeds, argc, argv);
  RawRank rank;
  join(rank);
  misdeed.act(rank);
  say("RECEIVER DONE");
  return 0;
}
