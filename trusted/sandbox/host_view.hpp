// What a sandbox sees of the host in /proc, /sys and /etc: copies of an allowed few files, taken once at start.
//
// The live files tell what other subjects do (load, free memory, interrupts, locks), and files shared between
// sandboxes carry locks and watches from one to the other. Copies do neither.
#pragma once

#include <string>
#include <vector>

#include "trusted/base/result.hpp"
#include "trusted/sandbox/command.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

/// Builds the copies below `stage`, an empty directory of this sandbox alone, and returns the entries that show them
/// at /etc, /sys and over everything in /proc that does not belong to the sandbox's own processes. /proc itself has
/// to be mounted, for this pid namespace and in the sandbox, before.
Result<std::vector<Entry>, Problem> host_view(const std::string& stage);

/// Copies a file, at most `limit` bytes of it, mode 0555 if it is executable, else 0444.
Status<Problem> copy_file(const std::string& from, const std::string& to, std::size_t limit);

/// Writes a file of mode 0444.
Status<Problem> write_text(const std::string& path, const std::string& text);

}  // namespace sluice::sandbox
