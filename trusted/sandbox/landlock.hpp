// Landlock: the kernel checks each access to a file once more, against a list of paths. It stands on its own: a mount
// that shows too much, or a way around the mount namespace, still meets it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trusted/base/result.hpp"
#include "trusted/sandbox/command.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

/// Rights to a path and what is below it, as in <linux/landlock.h>.
namespace rights {
inline constexpr std::uint64_t kExecute = 1U << 0U;
inline constexpr std::uint64_t kWriteFile = 1U << 1U;
inline constexpr std::uint64_t kReadFile = 1U << 2U;
inline constexpr std::uint64_t kReadFolder = 1U << 3U;
inline constexpr std::uint64_t kRemoveFolder = 1U << 4U;
inline constexpr std::uint64_t kRemoveFile = 1U << 5U;
inline constexpr std::uint64_t kMakeCharacterDevice = 1U << 6U;
inline constexpr std::uint64_t kMakeFolder = 1U << 7U;
inline constexpr std::uint64_t kMakeFile = 1U << 8U;
inline constexpr std::uint64_t kMakeSocket = 1U << 9U;
inline constexpr std::uint64_t kMakeFifo = 1U << 10U;
inline constexpr std::uint64_t kMakeBlockDevice = 1U << 11U;
inline constexpr std::uint64_t kMakeLink = 1U << 12U;
inline constexpr std::uint64_t kRefer = 1U << 13U;          ///< move or link to another folder; version 2
inline constexpr std::uint64_t kTruncate = 1U << 14U;       ///< version 3
inline constexpr std::uint64_t kControlDevice = 1U << 15U;  ///< ioctl; version 5
inline constexpr std::uint64_t kOfFiles = kExecute | kWriteFile | kReadFile | kTruncate | kControlDevice;
inline constexpr std::uint64_t kRead = kReadFile | kReadFolder | kExecute;
inline constexpr std::uint64_t kChange = kRead | kWriteFile | kRemoveFolder | kRemoveFile | kMakeFolder | kMakeFile |
                                         kMakeSocket | kMakeFifo | kMakeLink | kRefer | kTruncate;
}  // namespace rights

struct PathRule {
  std::string path;
  std::uint64_t rights = 0;

  friend bool operator==(const PathRule&, const PathRule&) = default;
};

/// Version of Landlock that this kernel has; 0 for none.
int landlock_version();

/// What a sandbox with these entries may reach: to read and execute what is shown read-only, to change what is shown
/// writable, to use /dev and /dev/shm, to read and write its own /proc, and to list folders. Nothing else. A pipe that
/// is shown in a read-only folder can be written: `pipes` names those folders.
std::vector<PathRule> path_rules(const std::vector<Entry>& entries, const std::vector<std::string>& pipes);

/// One line for each rule, and back. Fails where the text is not of print_rules().
std::string print_rules(const std::vector<PathRule>& rules);
Result<std::vector<PathRule>, Problem> parse_rules(std::string_view text);

/// Confines this thread, and what it starts, for good. Rights that this kernel's version does not know are left out,
/// and so are paths that are not there. Processes of the same confinement reach each other; from version 6 on no signal
/// and no connection to an abstract socket goes out of it. Needs no_new_privs.
Status<Problem> enforce_rules(const std::vector<PathRule>& rules);

}  // namespace sluice::sandbox
