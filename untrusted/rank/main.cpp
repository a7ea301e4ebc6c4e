// sluice-rank: what mpiexec starts for each rank. It connects the rank's standard output and standard error to the
// pipes that `sluice run` made for this rank, and becomes the image. So no output passes through mpiexec, which may
// lose and mix lines.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "wire/rank_output.hpp"

namespace {

constexpr int kFailed = 127;  // as a shell says it
constexpr char kPreload[] = "--preload=";

[[noreturn]] void fail(const std::string& what, int error) {
  (void)std::fprintf(stderr, "sluice-rank: %s: %s\n", what.c_str(), std::strerror(error));
  std::exit(kFailed);
}

[[noreturn]] void usage() {
  (void)std::fputs(
      "sluice-rank is started by mpiexec inside `sluice run`, not by hand:\n"
      "  sluice-rank VARIABLE [--preload=LIBRARY] IMAGE [ARGUMENT...]\n"
      "VARIABLE is the environment variable in which the host MPI tells a rank its number.\n",
      stderr);
  std::exit(kFailed);
}

/// The rank's number, which becomes part of a path: digits and nothing else.
std::string own_rank(const char* variable) {
  const char* text = std::getenv(variable);
  std::string rank = text == nullptr ? "" : text;
  if (rank.empty() || rank.find_first_not_of("0123456789") != std::string::npos)
    fail("no rank in the environment variable " + std::string(variable), EINVAL);
  return rank;
}

void connect(int descriptor, const std::string& rank, const char* stream) {
  const std::string path = std::string(sluice::wire::kOutputFolder) + "/" + sluice::wire::output_name(rank, stream);
  // Without O_NONBLOCK this would wait for a reader that is gone; with it in the image, writes could fail.
  const int pipe = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (pipe < 0) fail("cannot open " + path, errno);
  if (fcntl(pipe, F_SETFL, O_WRONLY) != 0 || dup2(pipe, descriptor) < 0) fail("cannot write to " + path, errno);
  close(pipe);
}

}  // namespace

int main(int count, char** words) {
  int next = 1;
  if (count < next + 2) usage();
  const std::string rank = own_rank(words[next++]);
  if (std::strncmp(words[next], kPreload, sizeof kPreload - 1) == 0) {
    // For the image only: this program and mpiexec have no use for it.
    if (setenv("LD_PRELOAD", words[next] + sizeof kPreload - 1, 1) != 0) fail("cannot set LD_PRELOAD", errno);
    ++next;
  } else if (unsetenv("LD_PRELOAD") != 0) {
    // What is preloaded into MPICH's launcher is not for the ranks (untrusted/rank/session.c).
    fail("cannot clear LD_PRELOAD", errno);
  }
  if (next >= count) usage();
  connect(STDOUT_FILENO, rank, "out");
  connect(STDERR_FILENO, rank, "err");
  execvp(words[next], words + next);
  fail("cannot start " + std::string(words[next]), errno);
}
