#include "trusted/sandbox/command.hpp"

namespace sluice::sandbox {
namespace {

void add_entry(std::vector<std::string>& arguments, const Entry& entry) {
  switch (entry.kind) {
    case Entry::Kind::read_only:
      arguments.insert(arguments.end(), {"--ro-bind", entry.source, entry.place});
      break;
    case Entry::Kind::writable:
      arguments.insert(arguments.end(), {"--bind", entry.source, entry.place});
      break;
    case Entry::Kind::scratch:
      arguments.insert(arguments.end(), {"--perms", "0700", "--tmpfs", entry.place});
      break;
    case Entry::Kind::directory:
      arguments.insert(arguments.end(), {"--dir", entry.place});
      break;
    case Entry::Kind::link:
      arguments.insert(arguments.end(), {"--symlink", entry.source, entry.place});
      break;
    case Entry::Kind::processes:
      arguments.insert(arguments.end(), {"--proc", entry.place});
      break;
    case Entry::Kind::device:
      arguments.insert(arguments.end(), {"--dev-bind", entry.source, entry.place});
      break;
    case Entry::Kind::devices:
      arguments.insert(arguments.end(), {"--dev", entry.place});
      break;
  }
}

}  // namespace

std::vector<std::string> bubblewrap_arguments(const Command& command) {
  std::vector<std::string> arguments = {"bwrap",
                                        "--unshare-user",
                                        "--unshare-pid",
                                        "--unshare-net",
                                        "--unshare-ipc",
                                        "--unshare-uts",
                                        "--unshare-cgroup-try",
                                        "--uid",
                                        kInnerId,
                                        "--gid",
                                        kInnerId,
                                        "--hostname",
                                        kInnerHost,
                                        "--die-with-parent",
                                        "--cap-drop",
                                        "ALL",
                                        "--clearenv"};
  for (const auto& [name, value] : command.environment) {
    arguments.insert(arguments.end(), {"--setenv", name, value});
  }
  for (const Entry& entry : command.entries) add_entry(arguments, entry);
  // The root itself is a tmpfs of bubblewrap; nothing is to be written outside the places made for it.
  arguments.insert(arguments.end(), {"--remount-ro", "/", "--chdir", command.directory});
  for (const int fd : command.filter_fds) {
    arguments.insert(arguments.end(), {"--add-seccomp-fd", std::to_string(fd)});
  }
  if (command.info_fd >= 0) arguments.insert(arguments.end(), {"--json-status-fd", std::to_string(command.info_fd)});
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), command.program.begin(), command.program.end());
  return arguments;
}

}  // namespace sluice::sandbox
