// What every attacker is made of: attempts with a name, each tried in a process of its own, each with a verdict.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sluice::attacks {

/// What the attacker knows of its victim: more than a real one would.
struct Target {
  std::string token;           ///< in the names of all that the victim owns
  std::string secret;          ///< what the victim keeps to itself
  pid_t pid = 0;               ///< the victim's, as the operator sees it
  std::uint16_t port = 0;      ///< that the victim listens on, at every address
  std::string address;         ///< of the host, other than the loopback's; empty if it has none
  std::string victim_folder;   ///< the victim's writable directory
  std::string own_folder;      ///< the attacker's writable directory
  std::string read_only_file;  ///< granted to the attacker for reading
  std::string policy;          ///< the run's policy file
  std::string output;          ///< the run's output directory
  std::string canary;          ///< in the operator's environment

  /// Reads `name=value` lines; waits up to 30 s for the file. Exits with a message if it does not come.
  static Target await(const std::string& path);

  /// The number that stands for the token where a key has to be a number.
  [[nodiscard]] int key() const;
};

/// Where the victim keeps its secret in memory.
inline constexpr std::uintptr_t kSecretAddress = 0x700000000000;
inline void* secret_place() {
  return reinterpret_cast<void*>(kSecretAddress);  // NOLINT(performance-no-int-to-ptr): agreed on beforehand
}

/// The verdict on one attempt, in words that README.md repeats:
///   reached      the victim, or what is the victim's, was reached
///   nothing      the attempt ran, and there was nothing to be found
///   E...         the first step that failed, by the name of its errno
///   killed       the process was ended by a signal for it
/// or whatever else the attempt wants to say.
struct Attempt {
  const char* name;
  std::function<std::string()> act;
};

inline constexpr char kReached[] = "reached";
inline constexpr char kNothing[] = "nothing";

/// The name of `error`, as in "EPERM".
std::string name_of(int error);

/// "reached" if a call gave something other than -1, else the name of its errno.
inline std::string verdict_of(std::int64_t returned) { return returned != -1 ? kReached : name_of(errno); }

/// Runs each attempt in a child process with a limit of 20 s and prints `VERDICT name verdict` for each.
void run_attempts(const std::vector<Attempt>& attempts);

/// The number that `text` begins with, or 0.
int number_in(const std::string& text);

/// The whole of a file, or an empty string. At most 4 MiB.
std::string read_file(const std::string& path);

/// Ids of the processes that /proc lists.
std::vector<pid_t> listed_processes();

/// The first listed process, other than the caller, whose command line has the target's token and "victim"; 0 if none.
pid_t find_victim(const Target& target);

}  // namespace sluice::attacks
