#include "trusted/policy/render_dot.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "trusted/base/fd.hpp"
#include "trusted/policy/sections.hpp"

namespace sluice::policy {
namespace {

bool write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    done += static_cast<std::size_t>(written);
  }
  return ::lseek(fd, 0, SEEK_SET) == 0;
}

std::string read_all(int fd) {
  std::string text;
  char block[4096];
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t size = ::read(fd, block, sizeof block); size > 0; size = ::read(fd, block, sizeof block)) {
    text.append(block, static_cast<std::size_t>(size));
  }
  return text;
}

/// Starts `program` between two files; its process, or -1.
pid_t start(const std::string& program, std::vector<std::string> words, const Fd& in, const Fd& out) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  if (::posix_spawn_file_actions_init(&actions) != 0) return -1;
  ::posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  pid_t child = -1;
  const int error = ::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? child : -1;
}

/// True if `child` ended within `limit`; its wait status is in `status`. Otherwise it is killed.
bool wait_for(pid_t child, std::chrono::milliseconds limit, int& status) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  pollfd ready{.fd = process.get(), .events = POLLIN, .revents = 0};
  const bool ended = process.valid() && ::poll(&ready, 1, static_cast<int>(limit.count())) == 1;
  if (!ended) ::kill(child, SIGKILL);
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return ended;
}

}  // namespace

Result<std::string, RenderError> filter(const std::vector<std::string>& command, const std::string& input,
                                        std::chrono::milliseconds limit) {
  const std::string path = find_program(command.at(0)).string();
  if (path.empty()) return RenderError::missing;
  const Fd in(::memfd_create("input", MFD_CLOEXEC));
  const Fd out(::memfd_create("output", MFD_CLOEXEC));
  if (!in || !out || !write_all(in.get(), input)) return RenderError::failed;
  const pid_t child = start(path, command, in, out);
  if (child < 0) return RenderError::failed;
  int status = 0;
  if (!wait_for(child, limit, status)) return RenderError::timed_out;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return RenderError::failed;
  return read_all(out.get());
}

Result<std::string, RenderError> render_svg(const std::string& dot) {
  return filter({"dot", "-Tsvg"}, dot, std::chrono::seconds(60));
}

std::string describe(RenderError error) {
  switch (error) {
    case RenderError::missing:
      return "the program 'dot' is not installed: install the package graphviz, or use --format dot";
    case RenderError::failed:
      return "the program 'dot' failed; use --format dot to see what it was given";
    case RenderError::timed_out:
      return "the program 'dot' did not end in time; use --format dot and draw the picture otherwise";
  }
  return {};
}

}  // namespace sluice::policy
