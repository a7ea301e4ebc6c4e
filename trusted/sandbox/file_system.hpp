// What a folder's file system lets its users know of each other.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "trusted/base/fd.hpp"

namespace sluice::sandbox {

/// Whether files of `root` (a folder or file, O_PATH) can be read past the host's cache. True if there is none to try.
bool reads_past_cache(const Fd& root);

/// The file system that the descriptor `place` lies on; 0 for one that has many numbers for one stock of free blocks.
dev_t disk_of(int place);

/// Mount points whose paths begin with `prefix`, in order.
std::vector<std::string> mounts_below(const std::string& prefix);

}  // namespace sluice::sandbox
