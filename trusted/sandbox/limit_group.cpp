#include "trusted/sandbox/limit_group.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <fstream>
#include <sstream>

namespace sluice::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "sluice-";
constexpr std::time_t kForgottenAfter = 60;  // seconds

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool among(const std::string& list, const std::string& name) {
  const std::vector<std::string> parts = split(list, ',');
  return std::find(parts.begin(), parts.end(), name) != parts.end();
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Path of this process's group in the hierarchy of `version`; empty if it has none.
std::string own_group(const std::string& cgroup, int version) {
  for (const std::string& line : split(cgroup, '\n')) {
    // ID:CONTROLLERS:PATH; in version 2 the first is 0 and the second empty.
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version == 1 ? among(controllers, "memory") : controllers.empty()) return line.substr(second + 1);
  }
  return {};
}

/// Folder where `group` is mounted; empty if it is not.
fs::path mounted(const std::string& mountinfo, int version, const std::string& group) {
  for (const std::string& line : split(mountinfo, '\n')) {
    // proc(5): ID PARENT DEVICE ROOT PLACE OPTIONS ... - TYPE SOURCE SUPER_OPTIONS
    const std::vector<std::string> words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 5 || words.end() - dash < 4) continue;
    const bool right = version == 1 ? dash[1] == "cgroup" && among(dash[3], "memory") : dash[1] == "cgroup2";
    const std::string& root = words[3];
    if (!right || !(root == "/" || group.starts_with(root))) continue;
    const std::string rest = root == "/" ? group : group.substr(root.size());
    return fs::path(words[4]) / fs::path(rest).relative_path();
  }
  return {};
}

bool write_text_to(const fs::path& path, const std::string& text) {
  const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

Problem no_groups(const std::string& why) {
  return {ProblemKind::host, "no memory groups: " + why,
          "start runs as root, or in a group of your own: systemd-run --user --scope -p Delegate=yes sluice run ..."};
}

}  // namespace

Result<GroupPlace, Problem> find_memory_group(const std::string& cgroup, const std::string& mountinfo) {
  for (const int version : {1, 2}) {
    const std::string group = own_group(cgroup, version);
    if (group.empty()) continue;
    const fs::path folder = mounted(mountinfo, version, group);
    if (!folder.empty()) return GroupPlace{folder, version};
  }
  return no_groups("this process is in none that is mounted");
}

Result<GroupPlace, Problem> find_memory_group() {
  auto place = find_memory_group(text_of("/proc/self/cgroup"), text_of("/proc/self/mountinfo"));
  if (!place) return place;
  const fs::path& folder = place.value().folder;
  if (access(folder.c_str(), W_OK | X_OK) != 0) return no_groups(folder.string() + " may not be written by this user");
  if (place.value().version == 1) return place;
  // Version 2 wants the controller passed on to the groups below; not possible where this group has processes itself.
  const auto passed_on = [&] {
    std::istringstream words(text_of(folder / "cgroup.subtree_control"));
    for (std::string word; words >> word;) {
      if (word == "memory") return true;
    }
    return false;
  };
  if (!passed_on()) (void)write_text_to(folder / "cgroup.subtree_control", "+memory");
  if (!passed_on()) return no_groups(folder.string() + " does not pass the memory controller on");
  return place;
}

Result<LimitGroup, Problem> LimitGroup::make(const GroupPlace& place, const std::string& name, std::uint64_t bytes) {
  const fs::path folder = place.folder / name;
  if (mkdir(folder.c_str(), 0755) != 0) return system_problem("cannot make the group " + folder.string());
  const std::string limit = std::to_string(bytes);
  bool limited = false;
  LimitGroup group;
  if (place.version == 1) {
    limited = write_text_to(folder / "memory.limit_in_bytes", limit);
    // Only where the kernel counts swap; a limit of both may not be lower than that of memory.
    if (limited) (void)write_text_to(folder / "memory.memsw.limit_in_bytes", limit);
    group.events_.reset(open((folder / "memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC));
  } else {
    limited = write_text_to(folder / "memory.max", limit) && write_text_to(folder / "memory.oom.group", "1");
    (void)write_text_to(folder / "memory.swap.max", "0");
    group.events_.reset(open((folder / "memory.events").c_str(), O_RDONLY | O_CLOEXEC));
  }
  // Version 1 lets a thread in by itself, which waits for nobody. A whole process waits until every processor has given
  // way once, some ten milliseconds.
  const char* entrance = place.version == 1 ? "tasks" : "cgroup.procs";
  group.entrance_.reset(open((folder / entrance).c_str(), O_WRONLY | O_CLOEXEC));
  if (!limited || !group.entrance_) {
    Problem problem = system_problem("cannot limit the group " + folder.string());
    rmdir(folder.c_str());
    return problem;
  }
  return group;
}

std::uint64_t LimitGroup::ended_for_memory() const {
  std::array<char, 512> text{};
  if (!events_ || pread(events_.get(), text.data(), text.size() - 1, 0) <= 0) return 0;
  std::istringstream words(text.data());
  std::uint64_t number = 0;
  for (std::string word; words >> word;) {
    if (word == "oom_kill" && words >> number) return number;
  }
  return 0;
}

std::string group_name(pid_t keeper, std::size_t index) {
  return std::string(kPrefix) + std::to_string(keeper) + "-" + std::to_string(index);
}

void remove_forgotten_groups(const GroupPlace& place) {
  std::error_code error;
  std::vector<fs::path> forgotten;
  for (const auto& item : fs::directory_iterator(place.folder, error)) {
    const std::string name = item.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    pid_t keeper = 0;
    const auto [end, wrong] = std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), keeper);
    if (wrong != std::errc{} || *end != '-' || keeper <= 0) continue;
    struct stat status {};
    const bool old = stat(item.path().c_str(), &status) == 0 && status.st_mtime + kForgottenAfter < std::time(nullptr);
    if (old && kill(keeper, 0) != 0 && errno == ESRCH) forgotten.push_back(item.path());
  }
  // Whatever still has processes stays.
  for (const fs::path& folder : forgotten) rmdir(folder.c_str());
}

}  // namespace sluice::sandbox
