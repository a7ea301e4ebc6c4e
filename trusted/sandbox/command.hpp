// The bubblewrap command line of one sandbox.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace sluice::sandbox {

/// One thing that a sandbox's file system shows.
struct Entry {
  enum class Kind {
    read_only,  ///< `source` bound read-only at `place`
    writable,   ///< `source` bound writable at `place`
    scratch,    ///< an empty private tmpfs at `place`
    directory,  ///< an empty directory at `place`
    link,       ///< a symbolic link at `place` that says `source`
    processes,  ///< /proc of the sandbox's own pid namespace
    devices,    ///< bubblewrap's minimal /dev
    device,     ///< the device node or folder of them `source` at `place`
  };
  Kind kind;
  std::string place;   ///< absolute path inside
  std::string source;  ///< absolute path outside, or a link's text
};

struct Command {
  std::vector<Entry> entries;  ///< in the order in which they are made
  std::vector<std::pair<std::string, std::string>> environment;
  std::string directory;        ///< working directory inside
  std::vector<int> filter_fds;  ///< descriptors of the system-call filter's programs
  int info_fd = -1;             ///< descriptor that bubblewrap writes the first pid and the exit code to, as JSON
  std::vector<std::string> program;
};

/// Uid and gid inside every sandbox, whatever they are outside.
inline constexpr char kInnerId[] = "1000";
inline constexpr char kInnerHost[] = "sluice";

/// `argv` for bwrap: every namespace that bubblewrap can make, no capabilities, and only what `command` names. The
/// time namespace is the caller's to make.
std::vector<std::string> bubblewrap_arguments(const Command& command);

}  // namespace sluice::sandbox
