#include "trusted/sandbox/landlock.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "trusted/base/fd.hpp"

namespace sluice::sandbox {
namespace {

// The kernel's interface (Documentation/userspace-api/landlock.rst); newer than the headers of Debian 12.
struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;  // version 4
  std::uint64_t scoped = 0;              // version 6
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed_access;
  std::int32_t parent_fd;
};
constexpr unsigned kAskVersion = 1;
constexpr int kPathBeneath = 1;
constexpr std::uint64_t kScopeAbstractSocket = 1;
constexpr std::uint64_t kScopeSignal = 2;
constexpr std::size_t kSizeBeforeScopes = 16;
constexpr std::size_t kSizeBeforeNetwork = 8;

/// Rights to files that a version checks.
std::uint64_t known_rights(int version) {
  std::uint64_t known = rights::kRefer - 1;
  if (version >= 2) known |= rights::kRefer;
  if (version >= 3) known |= rights::kTruncate;
  if (version >= 5) known |= rights::kControlDevice;
  return known;
}

Status<Problem> add_rule(const Fd& ruleset, const PathRule& rule, std::uint64_t known) {
  const Fd path(open(rule.path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!path || fstat(path.get(), &status) != 0) {
    if (errno == ENOENT) return Unit{};
    return system_problem("cannot open " + rule.path);
  }
  const std::uint64_t of_kind = S_ISDIR(status.st_mode) ? known : known & rights::kOfFiles;
  const PathBeneath beneath{rule.rights & of_kind, path.get()};
  if (beneath.allowed_access == 0) return Unit{};
  if (syscall(SYS_landlock_add_rule, ruleset.get(), kPathBeneath, &beneath, 0) != 0) {
    return system_problem("Landlock refuses the rule for " + rule.path);
  }
  return Unit{};
}

}  // namespace

int landlock_version() {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  return version < 0 ? 0 : static_cast<int>(version);
}

std::vector<PathRule> path_rules(const std::vector<Entry>& entries, const std::vector<std::string>& pipes) {
  std::vector<PathRule> rules = {{"/", rights::kReadFolder}};
  for (const Entry& entry : entries) {
    switch (entry.kind) {
      case Entry::Kind::read_only:
        rules.push_back({entry.place, rights::kRead});
        break;
      case Entry::Kind::writable:
      case Entry::Kind::scratch:
        rules.push_back({entry.place, rights::kChange});
        break;
      case Entry::Kind::processes:
        rules.push_back({entry.place, rights::kReadFile | rights::kReadFolder | rights::kWriteFile});
        break;
      case Entry::Kind::devices:
        rules.push_back({entry.place, rights::kReadFile | rights::kReadFolder | rights::kWriteFile | rights::kTruncate |
                                          rights::kControlDevice});
        rules.push_back({entry.place + "/shm", rights::kChange});
        break;
      case Entry::Kind::device:  // below /dev
      case Entry::Kind::directory:
      case Entry::Kind::link:
        break;
    }
  }
  for (const std::string& folder : pipes) rules.push_back({folder, rights::kWriteFile});
  return rules;
}

std::string print_rules(const std::vector<PathRule>& rules) {
  std::string text;
  for (const PathRule& rule : rules) text += std::to_string(rule.rights) + " " + rule.path + std::string(1, '\0');
  return text;
}

Result<std::vector<PathRule>, Problem> parse_rules(std::string_view text) {
  std::vector<PathRule> rules;
  while (!text.empty()) {
    PathRule rule;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rule.rights);
    const auto digits = static_cast<std::size_t>(end - text.data());
    const std::size_t stop = text.find('\0');
    if (error != std::errc{} || stop == std::string_view::npos || digits + 1 >= stop || text[digits] != ' ') {
      return Problem{ProblemKind::system, "the list of paths for Landlock is broken", ""};
    }
    rule.path = text.substr(digits + 1, stop - digits - 1);
    rules.push_back(std::move(rule));
    text.remove_prefix(stop + 1);
  }
  return rules;
}

Status<Problem> enforce_rules(const std::vector<PathRule>& rules) {
  const int version = landlock_version();
  if (version == 0) {
    Problem problem = system_problem("this kernel has no Landlock");
    problem.kind = ProblemKind::host;
    problem.mend = "a kernel with CONFIG_SECURITY_LANDLOCK, started with lsm=landlock,...";
    return problem;
  }
  RulesetAttributes attributes;
  attributes.handled_access_fs = known_rights(version);
  std::size_t size = version >= 4 ? kSizeBeforeScopes : kSizeBeforeNetwork;
  if (version >= 6) {
    attributes.scoped = kScopeAbstractSocket | kScopeSignal;
    size = sizeof attributes;
  }
  const Fd ruleset(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) return system_problem("cannot make a Landlock ruleset");
  for (const PathRule& rule : rules) {
    if (auto added = add_rule(ruleset, rule, attributes.handled_access_fs); !added) return added;
  }
  if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return system_problem("cannot enforce Landlock");
  return Unit{};
}

}  // namespace sluice::sandbox
