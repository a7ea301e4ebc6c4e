// Device nodes of one sandbox alone.
//
// Locks and times belong to an inode. On the host's /dev/null, which every sandbox would see, a lock of one subject
// shows to another, and so does a change of its times.
#pragma once

#include <string>
#include <vector>

#include "trusted/base/result.hpp"
#include "trusted/sandbox/command.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

/// Makes the nodes below `stage`, a directory of this sandbox alone, and returns the entries that show them in /dev.
/// /dev itself has to be mounted before. Without the privilege to make device nodes there are no entries: then the
/// sandbox shows the host's nodes, made read-only in this mount namespace, and must not be allowed any file locks.
Result<std::vector<Entry>, Problem> own_devices(const std::string& stage);

/// Mounts pseudo-terminals below `stage`, at most 40 of them, and returns the entry that shows them in /dev/pts. All of
/// the host's come out of one number: without a limit for each sandbox, one that takes them all shows to the others.
Result<Entry, Problem> own_terminals(const std::string& stage);

}  // namespace sluice::sandbox
