#include "trusted/sandbox/file_system.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace sluice::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr int kMostTried = 1000;

/// Whether that file can be opened so; nothing of it is read.
bool opens_direct(const std::string& path, int more_flags) {
  return Fd(open(path.c_str(), O_RDONLY | O_DIRECT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | more_flags)) ||
         errno != EINVAL;
}

}  // namespace

bool reads_past_cache(const Fd& root) {
  const std::string place = "/proc/self/fd/" + std::to_string(root.get());
  struct stat status {};
  if (fstat(root.get(), &status) != 0) return false;
  if (!S_ISDIR(status.st_mode)) return opens_direct(place, 0);  // through the link of /proc, so it is followed
  std::error_code error;
  fs::recursive_directory_iterator item(place + "/", fs::directory_options::skip_permission_denied, error);
  for (int tried = 0; !error && item != fs::recursive_directory_iterator() && tried < kMostTried; ++tried) {
    if (!item->is_symlink(error) && item->is_regular_file(error)) return opens_direct(item->path(), O_NOFOLLOW);
    item.increment(error);
  }
  return true;
}

dev_t disk_of(int place) {
  struct stat status {};
  struct statfs kind {};
  if (fstat(place, &status) != 0 || fstatfs(place, &kind) != 0) return 0;
  return kind.f_type == BTRFS_SUPER_MAGIC ? 0 : status.st_dev;
}

std::vector<std::string> mounts_below(const std::string& prefix) {
  std::vector<std::string> result;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < 5; ++i) words >> word;
    if (word.starts_with(prefix)) result.push_back(word);
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace sluice::sandbox
