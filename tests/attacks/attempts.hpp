// The attempts of the intruder, by what they go for. README.md says what each one tries and what it must come to.
#pragma once

#include <vector>

#include "tests/attacks/attempt.hpp"

namespace sluice::attacks {

std::vector<Attempt> process_attempts(const Target& target);
std::vector<Attempt> ipc_attempts(const Target& target);
std::vector<Attempt> network_attempts(const Target& target);
std::vector<Attempt> file_attempts(const Target& target);
std::vector<Attempt> kernel_attempts(const Target& target);
std::vector<Attempt> lock_attempts(const Target& target);

/// Files that every process of a host can open, and whose inodes the sandboxes might therefore share.
std::vector<std::string> common_files();

/// A file of the system that no program maps; the victim does.
inline constexpr char kSharedFile[] = "/usr/share/common-licenses/GPL-3";

/// The kernel's own numbers of this process's namespaces, in one line.
std::string namespace_numbers();

/// Device and inode of each common file, in one line: a lock can only be seen on one that two sandboxes share.
std::string inode_numbers();

}  // namespace sluice::attacks
