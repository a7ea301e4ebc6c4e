#include "trusted/mirror/folder_names.hpp"

#include <dirent.h>

#include <algorithm>

namespace sluice::mirror {
namespace {

bool same(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

time_t last_change(const struct stat& status) { return std::max(status.st_mtim.tv_sec, status.st_ctim.tv_sec); }

}  // namespace

const FolderNames::List* FolderNames::current(const std::string& path, const Open& open) {
  const auto now = Clock::now();
  const auto known = lists_.find(path);
  if (known != lists_.end() && now - known->second.looked < lasting_) return &known->second;
  Fd folder = open(path);
  struct stat status {};
  if (folder && fstat(folder.get(), &status) == 0 && last_change(status) + settled_ < std::time(nullptr)) {
    if (known != lists_.end() && same(known->second.modified, status.st_mtim) &&
        same(known->second.changed, status.st_ctim)) {
      known->second.looked = now;
      return &known->second;
    }
    if (DIR* stream = fdopendir(folder.get())) {
      (void)folder.release();
      List list{{}, status.st_mtim, status.st_ctim, now};
      while (const dirent* entry = readdir(stream)) list.names.emplace(entry->d_name);
      closedir(stream);
      return &(lists_[path] = std::move(list));
    }
  }
  lists_.erase(path);
  return nullptr;
}

bool FolderNames::may_have(const std::string& path, const char* name, const Open& open) {
  const List* list = current(path, open);
  return list == nullptr || list->names.contains(name);
}

}  // namespace sluice::mirror
