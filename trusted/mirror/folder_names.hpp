// Which names the folders of the host have, as one mirror has read them.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "trusted/base/fd.hpp"

namespace sluice::mirror {

/// A host remembers names that somebody has looked for, above all those that are not there, and is quicker the next
/// time. So that nobody can tell by that what others have looked for, a mirror reads the list of a folder once and
/// answers from it what is not there. Only names that the folder has reach the host.
class FolderNames {
 public:
  /// Gives a folder opened for reading, or no descriptor.
  using Open = std::function<Fd(const std::string& path)>;

  /// A list is believed for so long before the folder's times are looked at again. A folder is *settled* so many
  /// seconds after its last change, by the host's clock: a file system's own may be as coarse as two seconds (FAT).
  explicit FolderNames(double seconds, time_t settled = 3) : lasting_(seconds), settled_(settled) {}

  /// False if the folder at `path` does not have `name`. True if it does, or if the host has to be asked: the folder
  /// cannot be read, or is not settled, so that its times would not tell of one change more.
  [[nodiscard]] bool may_have(const std::string& path, const char* name, const Open& open);

 private:
  using Clock = std::chrono::steady_clock;
  struct List {
    std::unordered_set<std::string> names;
    timespec modified{};
    timespec changed{};
    Clock::time_point looked;  ///< at the folder's times
  };

  /// The list of a folder as it is now; null if there is none to be believed.
  const List* current(const std::string& path, const Open& open);

  std::chrono::duration<double> lasting_;
  time_t settled_;
  std::unordered_map<std::string, List> lists_;
};

}  // namespace sluice::mirror
