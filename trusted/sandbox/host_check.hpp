// What this host can and cannot keep. Whatever can be tried is tried, not guessed from versions.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::sandbox {

enum class Verdict {
  ok,
  degraded,  ///< runs start; `detail` says what is less than it could be
  missing,   ///< no run starts
};

struct Check {
  std::string name;
  Verdict verdict = Verdict::ok;
  std::string detail;
  std::string mend;  ///< package or setting; empty when ok or when nothing can be done
};

/// Where the parts of Sluice lie.
struct Places {
  std::filesystem::path guard;
  std::filesystem::path rank;     ///< the program that starts each rank
  std::filesystem::path mirror;   ///< the program that gives a sandbox pages of its own
  std::filesystem::path confine;  ///< the first program in every sandbox
  std::filesystem::path libraries;
};

enum class CheckDepth {
  before_a_run,  ///< what every run needs; a few milliseconds
  everything,    ///< for `sluice doctor`
};

/// Leaves nothing behind: what it tries, it tries in child processes of their own namespaces.
std::vector<Check> check_host(CheckDepth depth, const Places& places);

/// What `sluice doctor` says of a kernel with that version of Landlock; 0 for none.
Check landlock_check(int version);

/// True if runs can start.
bool is_fit(const std::vector<Check>& checks);

}  // namespace sluice::sandbox
