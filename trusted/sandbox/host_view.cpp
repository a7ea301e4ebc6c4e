#include "trusted/sandbox/host_view.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "trusted/base/fd.hpp"

namespace sluice::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxHostFile = 4 << 20;
constexpr int kMaxDepth = 8;

// Of /etc: what the dynamic linker, the host MPIs, Python and font libraries read. No accounts, no site secrets.
constexpr std::array<std::string_view, 24> kEtc = {
    "ld.so.cache", "ld.so.conf",   "ld.so.conf.d", "alternatives",   "openmpi",       "mpich",
    "localtime",   "timezone",     "os-release",   "debian_version", "nsswitch.conf", "host.conf",
    "gai.conf",    "protocols",    "services",     "mime.types",     "fonts",         "python3",
    "python3.11",  "matplotlibrc", "locale.alias", "locale.conf",    "papersize",     "lammps"};

// Of /proc: files of the whole host that programs need to know the machine; a copy serves as well.
constexpr std::array<std::string_view, 8> kProcCopied = {"cpuinfo", "meminfo",     "stat",    "uptime",
                                                         "version", "filesystems", "devices", "misc"};
// Entries of /proc that belong to the reading process.
constexpr std::array<std::string_view, 4> kProcOwn = {"self", "thread-self", "mounts", "net"};

// Of /proc/sys: limits that libraries ask for. Everything else there is left out, counters of the host above all.
constexpr std::array<std::string_view, 24> kSysctls = {"kernel/osrelease",
                                                       "kernel/ostype",
                                                       "kernel/version",
                                                       "kernel/cap_last_cap",
                                                       "kernel/ngroups_max",
                                                       "kernel/pid_max",
                                                       "kernel/shmmax",
                                                       "kernel/shmall",
                                                       "kernel/shmmni",
                                                       "kernel/msgmax",
                                                       "kernel/msgmnb",
                                                       "kernel/sem",
                                                       "kernel/threads-max",
                                                       "kernel/numa_balancing",
                                                       "kernel/randomize_va_space",
                                                       "kernel/yama/ptrace_scope",
                                                       "vm/overcommit_memory",
                                                       "vm/max_map_count",
                                                       "vm/nr_hugepages",
                                                       "fs/file-max",
                                                       "fs/nr_open",
                                                       "fs/pipe-max-size",
                                                       "net/core/somaxconn",
                                                       "kernel/core_pattern"};

/// Most of /etc/alternatives: links to manual pages, which no program needs to run.
bool is_manual(const fs::path& path) { return path.extension() == ".gz"; }

Status<Problem> write_file(const std::string& path, const std::string& text, mode_t mode) {
  const Fd out(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!out || fchmod(out.get(), mode) != 0 ||
      write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return system_problem("cannot write " + path);
  }
  return Unit{};
}

/// What is in a file of the host; nothing if it cannot be read, or is too large.
std::optional<std::string> content_of(const fs::path& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string text;
  std::array<char, 16384> block;
  ssize_t got = file ? 1 : -1;
  while (got > 0 && text.size() <= kMaxHostFile) {
    got = read(file.get(), block.data(), block.size());
    if (got > 0) text.append(block.data(), static_cast<std::size_t>(got));
  }
  return got == 0 ? std::optional(std::move(text)) : std::nullopt;
}

std::string read_small(const fs::path& path) { return content_of(path).value_or(""); }

/// Reads the host's files once, for all sandboxes.
class Reader {
 public:
  explicit Reader(std::vector<HostFiles::File>& files) : files_(files) {}

  void folder(const fs::path& to) {
    if (folders_.insert(to).second) files_.push_back({HostFiles::Kind::folder, to, "", 0755});
  }

  void folders(const fs::path& to) {
    fs::path path;
    for (const fs::path& part : to) folder(path /= part);
  }

  void text(const fs::path& to, std::string content, mode_t mode = 0444) {
    files_.push_back({HostFiles::Kind::file, to, std::move(content), mode});
  }

  /// What can be read of a tree; links stay links. What cannot be read is left out: nobody may need it.
  void tree(const fs::path& from, const fs::path& to, int depth = 0) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(from, error);
    if (error || depth > kMaxDepth || is_manual(from)) return;
    if (fs::is_symlink(status)) {
      files_.push_back({HostFiles::Kind::link, to, fs::read_symlink(from, error), 0});
    } else if (fs::is_regular_file(status)) {
      const bool runs = (status.permissions() &
                         (fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec)) != fs::perms::none;
      if (auto content = content_of(from)) text(to, std::move(*content), runs ? 0555 : 0444);
    } else if (fs::is_directory(status)) {
      folder(to);
      for (const auto& item : fs::directory_iterator(from, error)) {
        tree(item.path(), to / item.path().filename(), depth + 1);
      }
    }
  }

 private:
  std::vector<HostFiles::File>& files_;
  std::set<fs::path> folders_;
};

Status<Problem> make_directory(const fs::path& path) {
  if (mkdir(path.c_str(), 0755) == 0 && chmod(path.c_str(), 0755) == 0) return Unit{};
  return system_problem("cannot make " + path.string());
}

void read_etc(Reader& reader) {
  const fs::path etc = "etc";
  reader.folder(etc);
  for (const std::string_view name : kEtc) reader.tree(fs::path("/etc") / name, etc / name);
  const std::string id = kInnerId;
  const std::array<std::pair<const char*, std::string>, 5> own = {
      {{"passwd", "sluice:x:" + id + ":" + id + "::/tmp:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n"},
       {"group", "sluice:x:" + id + ":\nnogroup:x:65534:\n"},
       {"hosts", std::string("127.0.0.1 localhost ") + kInnerHost + "\n::1 localhost " + kInnerHost + "\n"},
       {"hostname", std::string(kInnerHost) + "\n"},
       {"machine-id", "00000000000000000000000000000000\n"}}};
  for (const auto& [name, text] : own) reader.text(etc / name, text);
}

/// The topology that hwloc reads: processors, caches and nodes, but no counters.
void read_topology(Reader& reader) {
  const fs::path system = "devices/system";
  const fs::path sys = "sys";
  std::error_code error;
  // UCX, below MPICH, complains on standard error when it cannot list network devices. There are none for it.
  reader.folders(sys / "class/net");
  for (const char* kind : {"cpu", "node"}) {
    const fs::path from = fs::path("/sys") / system / kind;
    const fs::path to = sys / system / kind;
    reader.folders(to);
    for (const char* name : {"online", "possible", "present", "kernel_max", "has_cpu", "has_memory"}) {
      reader.tree(from / name, to / name);
    }
    for (const auto& item : fs::directory_iterator(from, error)) {
      const std::string name = item.path().filename();
      if (name.size() < 4 || std::isdigit(static_cast<unsigned char>(name.back())) == 0) continue;
      reader.folder(to / name);
      for (const char* part : {"topology", "cache", "online", "cpulist", "cpumap", "distance"}) {
        reader.tree(item.path() / part, to / name / part);
      }
      if (std::string_view(kind) == "node") {
        // hwloc and libnuma want a node's size and free memory; the first two lines, as they are now.
        const std::string text = read_small(item.path() / "meminfo");
        const std::size_t second = text.find('\n', text.find('\n') + 1);
        reader.text(to / name / "meminfo", text.substr(0, second == std::string::npos ? text.size() : second + 1));
      }
    }
  }
}

std::string random_uuid() {
  std::array<unsigned char, 16> bytes{};
  (void)!getrandom(bytes.data(), bytes.size(), 0);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

void read_sysctls(Reader& reader) {
  const fs::path sysctls = "proc/sys";
  reader.folders(sysctls / "kernel/random");
  for (const std::string_view name : kSysctls) {
    const auto text = content_of(fs::path("/proc/sys") / name);
    if (!text) continue;
    reader.folders((sysctls / name).parent_path());
    reader.text(sysctls / name, *text);
  }
  reader.text(sysctls / "kernel/hostname", std::string(kInnerHost) + "\n");
}

/// How every entry of /proc that is not the reader's own is hidden: by a copy if it is listed, else by emptiness.
Status<Problem> read_proc(Reader& reader, std::vector<Entry>& covers) {
  reader.folder("empty");
  reader.text("nothing", "");
  read_sysctls(reader);
  const fs::path copies = "proc";
  std::error_code error;
  for (const auto& item : fs::directory_iterator("/proc", error)) {
    const std::string name = item.path().filename();
    if (std::isdigit(static_cast<unsigned char>(name.front())) != 0 ||
        std::find(kProcOwn.begin(), kProcOwn.end(), name) != kProcOwn.end()) {
      continue;
    }
    fs::path source = item.is_directory(error) ? "empty" : "nothing";
    if (name == "sys") {
      source = copies / "sys";
    } else if (name == "loadavg") {
      source = copies / name;
      reader.text(source, "0.00 0.00 0.00 1/1 1\n");
    } else if (std::find(kProcCopied.begin(), kProcCopied.end(), name) != kProcCopied.end()) {
      source = copies / name;
      reader.text(source, read_small(item.path()));
    }
    covers.push_back({Entry::Kind::read_only, item.path(), source});
  }
  if (error) return Problem{ProblemKind::host, "cannot list /proc: " + error.message(), "mount /proc"};
  return Unit{};
}

Status<Problem> lay_out(const HostFiles::File& file, const fs::path& to) {
  switch (file.kind) {
    case HostFiles::Kind::folder:
      return make_directory(to);
    case HostFiles::Kind::link:
      if (symlink(file.content.c_str(), to.c_str()) != 0) return system_problem("cannot make " + to.string());
      return Unit{};
    case HostFiles::Kind::file:
      return write_file(to, file.content, file.mode);
  }
  return Unit{};
}

}  // namespace

Status<Problem> copy_file(const std::string& from, const std::string& to, std::size_t limit) {
  const Fd in(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!in || fstat(in.get(), &status) != 0) return system_problem("cannot read " + from);
  const mode_t mode = (status.st_mode & 0111) != 0 ? 0555 : 0444;
  const Fd out(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!out || fchmod(out.get(), mode) != 0) return system_problem("cannot make " + to);
  std::array<char, 65536> block;
  std::size_t total = 0;
  for (;;) {
    const ssize_t got = read(in.get(), block.data(), block.size());
    if (got == 0) return Unit{};
    if (got < 0) return system_problem("cannot read " + from);
    total += static_cast<std::size_t>(got);
    if (total > limit) return Problem{ProblemKind::path, from + " is too large to copy", ""};
    if (write(out.get(), block.data(), static_cast<std::size_t>(got)) != got)
      return system_problem("cannot write " + to);
  }
}

Status<Problem> write_text(const std::string& path, const std::string& text) { return write_file(path, text, 0444); }

Result<HostFiles, Problem> HostFiles::read() {
  HostFiles result;
  Reader reader(result.files_);
  read_etc(reader);
  reader.folder("sys");
  read_topology(reader);
  if (auto done = read_proc(reader, result.covers_); !done) return done.error();
  return result;
}

Result<HostView, Problem> HostFiles::lay_out_below(const std::string& stage) const {
  const fs::path base = stage;
  for (const File& file : files_) {
    if (auto done = lay_out(file, base / file.place); !done) return done.error();
  }
  // UCX tells hosts apart by this one; every sandbox is a host of its own.
  auto written = write_text(base / "proc/sys/kernel/random/boot_id", random_uuid() + "\n");
  if (!written) return written.error();
  HostView view{{{Entry::Kind::read_only, "/etc", base / "etc"}, {Entry::Kind::read_only, "/sys", base / "sys"}},
                covers_};
  for (Entry& entry : view.proc_covers) entry.source = base / entry.source;
  return view;
}

}  // namespace sluice::sandbox
