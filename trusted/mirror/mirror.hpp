// A read-only copy of a folder for one sandbox alone, made as it is read: the same files, with inodes and pages of
// their own.
//
// Two sandboxes that see one folder of the host, through bind mounts or overlays, share its pages. Then a futex of one
// wakes the other, /proc/self/smaps and pagemap tell whether the other maps a page, and Flush+Reload whether it has
// read it. Here the kernel keeps for each sandbox pages that nobody else has. It fills them by asking this server (the
// FUSE protocol of Linux, spoken by libfuse), one process for each mount.
#pragma once

#include <cstdint>

#include "trusted/base/fd.hpp"

namespace sluice::mirror {

/// How files are read. `direct` goes past the host's cache where the file system can: how long it takes then says
/// nothing of what others have read. `cached` is for what nobody else of the run reads.
enum class Reading : std::uint8_t { direct, cached };

/// Serves the folder or file `root` (an O_PATH descriptor) to the mount of `fuse` (/dev/fuse) until it is unmounted.
/// The kernel may keep what it was told for `seconds` before it asks again. Returns 0 at the end, 1 if it could not
/// begin. Links are shown, never followed; nothing can be written.
int serve(const Fd& root, Fd fuse, double seconds, Reading reading);

}  // namespace sluice::mirror
