// What of the host a run's subjects will see, opened before anything is laid out, and what that lets them know of each
// other.
#pragma once

#include <string>
#include <vector>

#include "trusted/base/fd.hpp"

namespace sluice::launcher {

/// What has to be opened before the run's directory is mounted over a folder of the host.
struct Held {
  std::string place;   ///< inside the sandbox
  std::string source;  ///< on the host
  Fd mount;            ///< detached
  bool directory = false;
  bool writable = false;
};

struct HeldSubject {
  std::vector<Held> grants;
  Fd image;    ///< to be copied; none if the image is part of the system
  Fd preload;  ///< to be copied; none if nothing is preloaded
};

/// True if a subject other than `index` sees `place`, what it lies in, or a part of it.
bool is_read_by_others(const std::vector<HeldSubject>& held, std::size_t index, const std::string& place);

/// True if others than subject `index` may fill the disk of its grant: another subject, or whoever writes to `places`.
bool others_fill(const std::vector<HeldSubject>& held, std::size_t index, const Held& grant,
                 const std::vector<int>& places);

}  // namespace sluice::launcher
