// A policy: what one run consists of and which flows it allows, read from a policy file (docs/policy.md) and checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trusted/base/result.hpp"
#include "trusted/lattice/lattice.hpp"
#include "trusted/table/table.hpp"

namespace sluice::policy {

/// A place in the policy file, both counted from 1.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;

  friend auto operator<=>(const Place&, const Place&) = default;  // NOLINT(modernize-use-nullptr): a false alarm
};

/// One mistake in a policy: where, what, and what would be right.
struct Mistake {
  Place place;
  std::string what;
  std::string fix;  ///< may be empty where `what` says it all
};

/// Which host MPI starts a subject.
enum class Mpi {
  automatic,  ///< found out from the image when the run starts
  openmpi,
  mpich,
};

/// What MPI_COMM_WORLD is for a subject's programs.
enum class World {
  run,      ///< the whole run
  subject,  ///< the subject alone; no flow starts or ends here
};

enum class Access { read, write };

/// A file or directory that a subject sees besides the read-only system.
struct FileGrant {
  std::string written;            ///< as the policy says it
  std::filesystem::path visible;  ///< absolute, `.` and `..` resolved by name: where the subject sees it
  std::filesystem::path path;     ///< absolute, symbolic links resolved where it exists: what is really there
  Access access = Access::read;   ///< write: a directory, which the run creates if it is not there
  Place place;
};

/// What a subject may use at most; 0: what `sluice run` thinks right.
struct Limits {
  std::uint64_t processes = 0;  ///< processes and threads, those of mpiexec included
  std::uint64_t memory = 0;     ///< bytes, files in memory included
};

struct Subject {
  std::string name;
  lattice::Label label;
  std::string label_text;  ///< banner style
  std::uint32_t ranks = 0;
  std::vector<std::string> run;  ///< argument vector as written
  /// The program, absolute: what run[0] names, found as docs/policy.md says. Empty for a name without a slash that was
  /// not looked for (CheckFiles::no).
  std::filesystem::path image;
  std::filesystem::path image_real;  ///< `image` with symbolic links resolved
  Mpi mpi = Mpi::automatic;
  std::vector<FileGrant> files;
  std::vector<std::pair<std::string, std::string>> environment;  ///< in the policy's order
  World world = World::run;
  Limits limits;
  Place place;  ///< of the subject's name
};

/// Where a flow's overflow goes (`when_full: spill`): a directory outside every subject.
struct Spill {
  std::uint32_t flow;             ///< index in the table; spills are in the order of their flows
  std::string written;            ///< as the policy says it
  std::filesystem::path visible;  ///< absolute, `.` and `..` resolved by name
  std::filesystem::path path;     ///< absolute, symbolic links resolved where it exists
  Place place;
};

/// A policy without mistakes. Subjects, flows and decisions have the same indexes as in `table`.
struct Policy {
  std::filesystem::path file;    ///< absolute
  std::string text;              ///< what was read
  std::filesystem::path folder;  ///< of `file`, links resolved; relative paths start here and ranks work here
  lattice::Lattice lattice;
  std::vector<Subject> subjects;
  std::vector<std::string> require;  ///< relaxations with which the run does not start; "all" for any
  std::vector<Spill> spills;
  std::uint32_t flows_line = 1;  ///< of the `flows:` key, or of `subjects:` if the policy has no flows
  table::RunTable table;
};

/// Whether the files that a policy names must be there and be what they have to be.
enum class CheckFiles { yes, no };

enum class LoadError {
  unreadable,  ///< the policy file itself cannot be read, or is larger than kMaxPolicyBytes
  mistakes,    ///< it can, and it has the mistakes listed
};

/// Why a policy was not loaded.
struct Refusal {
  LoadError kind;
  std::string reason;             ///< unreadable: one sentence
  std::vector<Mistake> mistakes;  ///< mistakes: in the order of the file, never empty
};

inline constexpr std::size_t kMaxPolicyBytes = 1 << 20;

/// Reads and checks the policy in `file`; reports every mistake at once.
Result<Policy, Refusal> load(const std::filesystem::path& file, CheckFiles check);

/// The same for a policy at hand. `file` names it and need not exist; relative paths start at its folder.
Result<Policy, Refusal> parse(std::string_view text, const std::filesystem::path& file, CheckFiles check);

/// Index of the subject called `name`, or `policy.subjects.size()` if there is none.
std::size_t index_of(const Policy& policy, std::string_view name);

/// `FILE:LINE:COLUMN: WHAT; FIX`, one line for each mistake, or the one sentence why the file cannot be read.
std::string describe(const Refusal& refusal, const std::filesystem::path& file);

}  // namespace sluice::policy
