#include "trusted/sandbox/probe.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "trusted/base/fd.hpp"

namespace sluice::sandbox {
namespace {

constexpr unsigned kTimeoutSeconds = 10;

bool write_file(const char* path, const std::string& text) {
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

int try_in_child(const std::function<int()>& trial) {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    alarm(kTimeoutSeconds);
    _exit(trial());
  }
  const int status = wait_for(child);
  return status < 0 ? EINTR : status;
}

int enter_user_namespace() {
  const std::string user = std::to_string(geteuid());
  const std::string group = std::to_string(getegid());
  if (unshare(CLONE_NEWUSER) != 0) return errno;
  if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", user + " " + user + " 1") ||
      !write_file("/proc/self/gid_map", group + " " + group + " 1")) {
    return errno;
  }
  return 0;
}

int enter_run_namespaces() {
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) {
    if (const int error = enter_user_namespace(); error != 0) return error;
    if (unshare(CLONE_NEWNS) != 0) return errno;
  }
  return unshare(CLONE_NEWPID) == 0 ? 0 : errno;
}

int try_memory_seal() {
  constexpr std::size_t size = 4096;
  const Fd memory(memfd_create("sluice-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory || ftruncate(memory.get(), size) != 0) return errno;
  void* before = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (before == MAP_FAILED) return errno;
  if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0)
    return errno;
  // The mapping from before the seal still writes; a new one may only read.
  *static_cast<volatile char*>(before) = 1;
  if (mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0) != MAP_FAILED) return ENOTSUP;
  void* after = mmap(nullptr, size, PROT_READ, MAP_SHARED, memory.get(), 0);
  if (after == MAP_FAILED) return errno;
  return *static_cast<volatile char*>(after) == 1 && write(memory.get(), "x", 1) < 0 ? 0 : ENOTSUP;
}

Output run_command(const std::vector<std::string>& command) {
  Output result;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return result;
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) return result;
  if (child == 0) {
    alarm(kTimeoutSeconds);
    dup2(writer.get(), STDOUT_FILENO);
    dup2(writer.get(), STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  writer.reset();
  std::string text;
  std::array<char, 1024> block{};
  for (ssize_t got = 0; (got = read(reader.get(), block.data(), block.size())) > 0;) {
    if (text.size() < 65536) text.append(block.data(), static_cast<std::size_t>(got));
  }
  result.status = wait_for(child);
  result.line = text.substr(0, text.find('\n'));
  return result;
}

}  // namespace sluice::sandbox
