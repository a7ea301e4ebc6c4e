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
#include <set>
#include <string_view>

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

std::string read_small(const std::string& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string text;
  std::array<char, 16384> block;
  while (file && text.size() < kMaxHostFile) {
    const ssize_t got = read(file.get(), block.data(), block.size());
    if (got <= 0) break;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return text;
}

/// Most of /etc/alternatives: links to manual pages, which no program needs to run.
bool is_manual(const fs::path& path) { return path.extension() == ".gz"; }

/// Copies what can be read of a tree; links stay links. What cannot be read is left out: nobody may need it.
void copy_tree(const fs::path& from, const fs::path& to, int depth) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(from, error);
  if (error || depth > kMaxDepth || is_manual(from)) return;
  if (fs::is_symlink(status)) {
    fs::copy_symlink(from, to, error);
  } else if (fs::is_regular_file(status)) {
    (void)copy_file(from, to, kMaxHostFile);
  } else if (fs::is_directory(status)) {
    fs::create_directory(to, error);
    for (const auto& item : fs::directory_iterator(from, error))
      copy_tree(item.path(), to / item.path().filename(), depth + 1);
  }
}

Status<Problem> make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return Problem{ProblemKind::system, "cannot make " + path.string() + ": " + error.message(), ""};
  return Unit{};
}

Status<Problem> stage_etc(const fs::path& etc) {
  if (auto made = make_directory(etc); !made) return made;
  for (const std::string_view name : kEtc) copy_tree(fs::path("/etc") / name, etc / name, 0);
  const std::string id = kInnerId;
  const std::array<std::pair<const char*, std::string>, 5> own = {
      {{"passwd", "sluice:x:" + id + ":" + id + "::/tmp:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n"},
       {"group", "sluice:x:" + id + ":\nnogroup:x:65534:\n"},
       {"hosts", std::string("127.0.0.1 localhost ") + kInnerHost + "\n::1 localhost " + kInnerHost + "\n"},
       {"hostname", std::string(kInnerHost) + "\n"},
       {"machine-id", "00000000000000000000000000000000\n"}}};
  for (const auto& [name, text] : own) {
    if (auto written = write_text(etc / name, text); !written) return written;
  }
  return Unit{};
}

/// The topology that hwloc reads: processors, caches and nodes, but no counters.
void stage_topology(const fs::path& sys) {
  const fs::path system = "devices/system";
  std::error_code error;
  // UCX, below MPICH, complains on standard error when it cannot list network devices. There are none for it.
  fs::create_directories(sys / "class/net", error);
  for (const char* kind : {"cpu", "node"}) {
    const fs::path from = fs::path("/sys") / system / kind;
    const fs::path to = sys / system / kind;
    fs::create_directories(to, error);
    for (const char* name : {"online", "possible", "present", "kernel_max", "has_cpu", "has_memory"}) {
      copy_tree(from / name, to / name, 0);
    }
    for (const auto& item : fs::directory_iterator(from, error)) {
      const std::string name = item.path().filename();
      if (name.size() < 4 || std::isdigit(static_cast<unsigned char>(name.back())) == 0) continue;
      fs::create_directory(to / name, error);
      for (const char* part : {"topology", "cache", "online", "cpulist", "cpumap", "distance"}) {
        copy_tree(item.path() / part, to / name / part, 0);
      }
      if (std::string_view(kind) == "node") {
        // hwloc and libnuma want a node's size and free memory; the first two lines, as they are now.
        const std::string text = read_small(item.path() / "meminfo");
        const std::size_t second = text.find('\n', text.find('\n') + 1);
        (void)write_text(to / name / "meminfo", text.substr(0, second == std::string::npos ? text.size() : second + 1));
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

void stage_sysctls(const fs::path& sysctls) {
  std::error_code error;
  for (const std::string_view name : kSysctls) {
    const fs::path from = fs::path("/proc/sys") / name;
    if (!fs::exists(from, error)) continue;
    fs::create_directories((sysctls / name).parent_path(), error);
    (void)write_text(sysctls / name, read_small(from));
  }
  fs::create_directories(sysctls / "kernel", error);
  (void)write_text(sysctls / "kernel/hostname", std::string(kInnerHost) + "\n");
  // UCX tells hosts apart by this one; every sandbox is a host of its own.
  fs::create_directories(sysctls / "kernel/random", error);
  (void)write_text(sysctls / "kernel/random/boot_id", random_uuid() + "\n");
}

/// Hides every entry of /proc that is not the reader's own: by a copy if it is listed, else by emptiness.
Result<std::vector<Entry>, Problem> cover_proc(const fs::path& stage) {
  const fs::path copies = stage / "proc";
  const fs::path empty_directory = stage / "empty";
  if (auto made = make_directory(copies); !made) return made.error();
  if (auto made = make_directory(empty_directory); !made) return made.error();
  if (auto written = write_text(stage / "nothing", ""); !written) return written.error();
  stage_sysctls(copies / "sys");
  std::vector<Entry> entries;
  std::error_code error;
  for (const auto& item : fs::directory_iterator("/proc", error)) {
    const std::string name = item.path().filename();
    if (std::isdigit(static_cast<unsigned char>(name.front())) != 0 ||
        std::find(kProcOwn.begin(), kProcOwn.end(), name) != kProcOwn.end()) {
      continue;
    }
    std::string source = stage / (item.is_directory(error) ? "empty" : "nothing");
    if (name == "sys") {
      source = copies / "sys";
    } else if (name == "loadavg") {
      source = copies / name;
      if (auto written = write_text(source, "0.00 0.00 0.00 1/1 1\n"); !written) return written.error();
    } else if (std::find(kProcCopied.begin(), kProcCopied.end(), name) != kProcCopied.end()) {
      source = copies / name;
      if (auto written = write_text(source, read_small(item.path())); !written) return written.error();
    }
    entries.push_back({Entry::Kind::read_only, item.path(), source});
  }
  if (error) return Problem{ProblemKind::host, "cannot list /proc: " + error.message(), "mount /proc"};
  return entries;
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

Status<Problem> write_text(const std::string& path, const std::string& text) {
  const Fd out(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!out || fchmod(out.get(), 0444) != 0 ||
      write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return system_problem("cannot write " + path);
  }
  return Unit{};
}

Result<std::vector<Entry>, Problem> host_view(const std::string& stage) {
  const fs::path base = stage;
  if (auto made = stage_etc(base / "etc"); !made) return made.error();
  if (auto made = make_directory(base / "sys"); !made) return made.error();
  stage_topology(base / "sys");
  auto entries = cover_proc(base);
  if (!entries) return entries.error();
  entries.value().push_back({Entry::Kind::read_only, "/etc", base / "etc"});
  entries.value().push_back({Entry::Kind::read_only, "/sys", base / "sys"});
  return entries;
}

}  // namespace sluice::sandbox
