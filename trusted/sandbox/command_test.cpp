#include "trusted/sandbox/command.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::sandbox {
namespace {

using Arguments = std::vector<std::string>;

/// Position of `part` as a contiguous run in `all`, or -1.
std::ptrdiff_t find(const Arguments& all, const Arguments& part) {
  const auto at = std::search(all.begin(), all.end(), part.begin(), part.end());
  return at == all.end() ? -1 : at - all.begin();
}

Command example() {
  Command command;
  command.entries = {{Entry::Kind::read_only, "/usr", "/stage/usr"},
                     {Entry::Kind::scratch, "/tmp", ""},
                     {Entry::Kind::writable, "/home/a b/out", "/stage/grant0"},
                     {Entry::Kind::link, "/bin", "usr/bin"}};
  command.environment = {{"TILE", "--bind / /"}};
  command.directory = "/home/a b";
  command.filter_fds = {7, 9};
  command.info_fd = 8;
  command.program = {"/usr/bin/mpiexec", "--bind", "/"};
  return command;
}

TEST(Bubblewrap, UnsharesEverythingAndDropsCapabilities) {
  const Arguments arguments = bubblewrap_arguments(example());
  for (const char* option : {"--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
                             "--die-with-parent", "--clearenv"}) {
    EXPECT_GE(find(arguments, {option}), 0) << option;
  }
  EXPECT_GE(find(arguments, {"--cap-drop", "ALL"}), 0);
  EXPECT_GE(find(arguments, {"--add-seccomp-fd", "7", "--add-seccomp-fd", "9"}), 0);
  EXPECT_GE(find(arguments, {"--remount-ro", "/"}), 0);
}

TEST(Bubblewrap, KeepsOrderAndWords) {
  const Arguments arguments = bubblewrap_arguments(example());
  const auto usr = find(arguments, {"--ro-bind", "/stage/usr", "/usr"});
  const auto out = find(arguments, {"--bind", "/stage/grant0", "/home/a b/out"});
  EXPECT_GE(usr, 0);
  EXPECT_GT(out, usr);
  EXPECT_GE(find(arguments, {"--setenv", "TILE", "--bind / /"}), 0);
}

TEST(Bubblewrap, ProgramCannotAddOptions) {
  const Arguments arguments = bubblewrap_arguments(example());
  const auto end = find(arguments, {"--"});
  ASSERT_GE(end, 0);
  EXPECT_EQ(find(arguments, {"/usr/bin/mpiexec", "--bind", "/"}), end + 1);
}

}  // namespace
}  // namespace sluice::sandbox
