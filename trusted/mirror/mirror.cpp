#include "trusted/mirror/mirror.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "trusted/mirror/folder_names.hpp"
#include "trusted/mirror/node_table.hpp"

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>

namespace sluice::mirror {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kMostRead = std::size_t{1} << 20;

/// A folder's entries as they were when it was opened.
struct Listing {
  struct Entry {
    std::string name;
    ino_t inode;
    unsigned type;
  };
  std::vector<Entry> entries;
};

struct Release {
  void operator()(char* block) const noexcept { std::free(block); }  // NOLINT(cppcoreguidelines-no-malloc)
};

struct Server {
  const Fd& root;
  double seconds;
  Reading reading;
  FolderNames names;
  NodeTable nodes;
  std::unique_ptr<char, Release> block;                 // kMostRead, at a page's start
  std::unordered_map<std::uint64_t, Listing> listings;  // of open folders
  std::uint64_t next_listing = 1;

  /// Opens `path` from the root. No link on the way is followed, not even the last one.
  [[nodiscard]] Fd open_at(const std::string& path, int flags) const {
    if (path.empty()) {
      // Of the root itself there is only the descriptor.
      return Fd((flags & O_PATH) != 0
                    ? fcntl(root.get(), F_DUPFD_CLOEXEC, 3)
                    : open(("/proc/self/fd/" + std::to_string(root.get())).c_str(), flags | O_CLOEXEC));
    }
    open_how how{};
    how.flags = static_cast<unsigned>(flags | O_CLOEXEC | O_NOFOLLOW);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    return Fd(static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  }

  [[nodiscard]] Fd open_to_read(const std::string& path) const {
    constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
    if (reading == Reading::cached) return open_at(path, kFlags);
    Fd file = open_at(path, kFlags | O_DIRECT);
    // Of a file system that reads through the host's cache only; the launcher has looked, and says so.
    if (!file && errno == EINVAL) return open_at(path, kFlags);
    return file;
  }

  /// What kind of file `path` is; an errno, or 0.
  [[nodiscard]] int look(const std::string& path, struct stat& status) const {
    const Fd file = open_at(path, O_PATH);
    return file && fstat(file.get(), &status) == 0 ? 0 : errno;
  }
};

Server& server_of(fuse_req_t request) { return *static_cast<Server*>(fuse_req_userdata(request)); }

/// The path of `number`; answers the request where there is none.
const std::string* known(fuse_req_t request, fuse_ino_t number) {
  const std::string* path = server_of(request).nodes.path_of(number);
  if (path == nullptr) fuse_reply_err(request, ESTALE);
  return path;
}

std::string below(const std::string& folder, const char* name) { return folder.empty() ? name : folder + "/" + name; }

void init(void* /*data*/, fuse_conn_info* connection) {
  connection->max_write = kMostRead;
  connection->max_readahead = kMostRead;
  // Pages are copied, never moved from the host's own file.
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_MOVE | FUSE_CAP_SPLICE_WRITE);
  connection->want |= connection->capable & static_cast<unsigned>(FUSE_CAP_CACHE_SYMLINKS);
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Server& server = server_of(request);
  const std::string* folder = known(request, parent);
  if (folder == nullptr) return;
  const std::string path = below(*folder, name);
  fuse_entry_param entry{};
  entry.attr_timeout = server.seconds;
  entry.entry_timeout = server.seconds;
  const auto open = [&server](const std::string& place) { return server.open_at(place, O_RDONLY | O_DIRECTORY); };
  const bool may_be = server.names.may_have(*folder, name, open);
  const int error = may_be ? server.look(path, entry.attr) : ENOENT;
  if (error != 0 && error != ENOENT) {
    fuse_reply_err(request, error);
    return;
  }
  // That nothing is there may be remembered too: number 0.
  if (error == 0) entry.ino = server.nodes.remember(path);
  if (fuse_reply_entry(request, &entry) != 0 && entry.ino != 0) server.nodes.forget(entry.ino, 1);
}

void forget(fuse_req_t request, fuse_ino_t number, std::uint64_t times) {
  server_of(request).nodes.forget(number, times);
  fuse_reply_none(request);
}

void getattr(fuse_req_t request, fuse_ino_t number, fuse_file_info* /*file*/) {
  const std::string* path = known(request, number);
  if (path == nullptr) return;
  struct stat status {};
  if (const int error = server_of(request).look(*path, status); error != 0) {
    fuse_reply_err(request, error);
  } else {
    fuse_reply_attr(request, &status, server_of(request).seconds);
  }
}

void read_link(fuse_req_t request, fuse_ino_t number) {
  const std::string* path = known(request, number);
  if (path == nullptr) return;
  const Fd link = server_of(request).open_at(*path, O_PATH);
  std::array<char, PATH_MAX + 1> text{};
  const ssize_t size = link ? readlinkat(link.get(), "", text.data(), text.size() - 1) : -1;
  if (size < 0) {
    fuse_reply_err(request, errno);
  } else {
    fuse_reply_readlink(request, text.data());
  }
}

/// Says that files need not be opened: reading names the number alone.
void open_file(fuse_req_t request, fuse_ino_t /*number*/, fuse_file_info* /*file*/) { fuse_reply_err(request, ENOSYS); }

void read_file(fuse_req_t request, fuse_ino_t number, std::size_t size, off_t offset, fuse_file_info* /*file*/) {
  Server& server = server_of(request);
  const std::string* path = known(request, number);
  if (path == nullptr) return;
  const Fd file = server.open_to_read(*path);
  // The kernel asks for whole pages, as reading past its cache needs.
  const ssize_t got = file ? pread(file.get(), server.block.get(), std::min(size, kMostRead), offset) : -1;
  if (got < 0) {
    fuse_reply_err(request, errno);
  } else {
    fuse_reply_buf(request, server.block.get(), static_cast<std::size_t>(got));
  }
}

void open_folder(fuse_req_t request, fuse_ino_t number, fuse_file_info* file) {
  const std::string* path = known(request, number);
  if (path == nullptr) return;
  Fd folder = server_of(request).open_at(*path, O_RDONLY | O_DIRECTORY);
  DIR* stream = folder ? fdopendir(folder.get()) : nullptr;
  if (stream == nullptr) {
    fuse_reply_err(request, errno);
    return;
  }
  (void)folder.release();
  Server& server = server_of(request);
  file->fh = server.next_listing++;
  Listing& listing = server.listings[file->fh];
  while (const dirent* entry = readdir(stream)) {
    listing.entries.push_back({entry->d_name, entry->d_ino, static_cast<unsigned>(entry->d_type) << 12U});
  }
  closedir(stream);
  if (fuse_reply_open(request, file) != 0) server.listings.erase(file->fh);
}

void read_folder(fuse_req_t request, fuse_ino_t /*number*/, std::size_t size, off_t offset, fuse_file_info* file) {
  const auto found = server_of(request).listings.find(file->fh);
  if (found == server_of(request).listings.end()) {
    fuse_reply_err(request, EBADF);
    return;
  }
  const Listing& listing = found->second;
  std::vector<char> buffer(std::min(size, kMostRead));
  std::size_t used = 0;
  for (auto i = static_cast<std::size_t>(std::max<off_t>(offset, 0)); i < listing.entries.size(); ++i) {
    const Listing::Entry& entry = listing.entries[i];
    struct stat status {};
    status.st_ino = entry.inode;
    status.st_mode = entry.type;
    const std::size_t need = fuse_add_direntry(request, buffer.data() + used, buffer.size() - used, entry.name.c_str(),
                                               &status, static_cast<off_t>(i + 1));
    if (need > buffer.size() - used) break;
    used += need;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void close_folder(fuse_req_t request, fuse_ino_t /*number*/, fuse_file_info* file) {
  server_of(request).listings.erase(file->fh);
  fuse_reply_err(request, 0);
}

/// How full the disk is depends on everybody.
void tell_nothing_of_the_disk(fuse_req_t request, fuse_ino_t /*number*/) {
  struct statvfs status {};
  status.f_bsize = 4096;
  status.f_frsize = 4096;
  status.f_namemax = 255;
  fuse_reply_statfs(request, &status);
}

fuse_lowlevel_ops operations() {
  fuse_lowlevel_ops all{};
  all.init = init;
  all.lookup = lookup;
  all.forget = forget;
  all.getattr = getattr;
  all.readlink = read_link;
  all.open = open_file;
  all.read = read_file;
  all.opendir = open_folder;
  all.readdir = read_folder;
  all.releasedir = close_folder;
  all.statfs = tell_nothing_of_the_disk;
  return all;
}

}  // namespace

int serve(const Fd& root, Fd fuse, double seconds, Reading reading) {
  Server server{root, seconds, reading, FolderNames(seconds), {}, {}, {}};
  server.block.reset(static_cast<char*>(std::aligned_alloc(kPage, kMostRead)));
  if (!server.block) return 1;
  const fuse_lowlevel_ops all = operations();
  char name[] = "sluice-mirror";
  char* words[] = {name, nullptr};
  fuse_args arguments{1, words, 0};
  fuse_session* session = fuse_session_new(&arguments, &all, sizeof all, &server);
  if (session == nullptr) return 1;
  const std::string place = "/dev/fd/" + std::to_string(fuse.release());
  if (fuse_session_mount(session, place.c_str()) != 0) return 1;
  const bool good = fuse_session_loop(session) >= 0;
  fuse_session_destroy(session);
  return good ? 0 : 1;
}

}  // namespace sluice::mirror
