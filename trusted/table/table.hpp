// The tables of one run, compiled from a policy: what the guard enforces and what each subject is told.
//
// Set-up compiles a RunTable and hands it, encoded, to the guard. The guard decodes it once, before it meets any
// subject, and never changes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trusted/base/result.hpp"

namespace sluice::table {

/// What happens when a flow's queue is full. Never anything that the sender could notice.
enum class WhenFull : std::uint32_t {
  stop_receiver = 0,  ///< the receiving subject is ended: it cannot be told less than was sent
  spill = 1,          ///< what has no room waits in a file
  drop = 2,           ///< whole messages are left out, and the receiver is told which
};

/// How a flow's bytes travel: rungs of assurance.
enum class Path : std::uint32_t {
  relay = 0,   ///< the guard copies from the sender's ring into the receiver's mailbox
  shared = 1,  ///< the receiver reads what the sender writes (wire/shared_path.hpp); both directions must be allowed
};

struct Subject {
  std::string name;
  std::string label;  ///< banner style: SECRET//IMG
  /// Ranks are numbered through: the subjects of the world first, in order, then those with a world of their own, so
  /// that each rank has a number and the world's ranks are 0 .. world_size() - 1.
  std::uint32_t first_rank = 0;
  std::uint32_t rank_count = 0;
  /// False for `world: subject`: its programs have a world of their own and no part in flows.
  bool in_world = true;
};

struct Flow {
  std::uint32_t from = 0;  ///< subject index
  std::uint32_t to = 0;    ///< subject index
  std::uint64_t queue_bytes = 0;
  WhenFull when_full = WhenFull::stop_receiver;
  std::uint64_t spill_bytes = 0;  ///< size of the spill file; 0 unless `when_full` is `spill`
  Path path = Path::relay;
  std::uint32_t policy_line = 0;
  std::string downgrade;  ///< name of the downgrade that allows this flow against the lattice; empty if none is needed
};

/// Why `from` may or may not send to `to`.
struct Decision {
  bool allowed = false;
  std::uint32_t policy_line = 0;
  std::string reason;
  std::string hint;  ///< empty when allowed
};

struct RunTable {
  std::vector<Subject> subjects;
  std::vector<Flow> flows;
  std::vector<Decision> decisions;  ///< row-major: decisions[from * subjects.size() + to]
  std::string lattice;              ///< levels, lowest first, and compartments: LEVEL/LEVEL//COMPARTMENT/COMPARTMENT

  /// Ranks of the run, those of `world: subject` subjects included.
  [[nodiscard]] std::uint32_t rank_count() const noexcept;
  /// Size of MPI_COMM_WORLD: ranks of the subjects that are in it.
  [[nodiscard]] std::uint32_t world_size() const noexcept;
  [[nodiscard]] const Decision& decision(std::uint32_t from, std::uint32_t to) const noexcept {
    return decisions[from * subjects.size() + to];
  }
};

enum class TableError {
  malformed,      ///< not an encoded table, or cut short
  wrong_version,  ///< of another build
  over_limit,     ///< more subjects, ranks or bytes than wire/limits.hpp allows
  inconsistent,   ///< an index points nowhere, ranks overlap, or a flow lacks an allowing decision
};

/// Destination that one capability index of a subject names.
struct Capability {
  std::uint32_t flow;      ///< index into RunTable::flows
  std::uint32_t receiver;  ///< rank within the receiving subject
};

/// Capabilities of `subject` in index order: its flows in the table's order, in each the receiver's ranks in order.
std::vector<Capability> capabilities(const RunTable& table, std::uint32_t subject);

/// Indexes of the flows into `subject`, in the table's order.
std::vector<std::uint32_t> inflows(const RunTable& table, std::uint32_t subject);

/// The flow from `from` to `to` if there is one with `path: shared`, else null.
const Flow* shared_flow(const RunTable& table, std::uint32_t from, std::uint32_t to);

/// Segments of a flow's mailbox memory: its quota, and never fewer than two for each receiving rank.
std::uint32_t segment_count(const RunTable& table, const Flow& flow);

/// Segments of the intake out of which egress fills a flow's mailboxes (trusted/guard/delivery.hpp); 0 if ingress fills
/// them itself. As many as the mailboxes have, and no fewer than hold what a fast sender sends before egress has a
/// turn.
std::uint32_t intake_segments(const RunTable& table, const Flow& flow);

/// Flat form for decode(): the way from the launcher to the guard, both of one build on one host.
std::vector<std::byte> encode(const RunTable& table);

/// Reads what encode() wrote, trusting none of it: every length is bounded before it is used, every index and
/// cross-reference is checked. A table that comes back satisfies check().
Result<RunTable, TableError> decode(std::span<const std::byte> bytes);

/// Verifies limits (wire/limits.hpp) and consistency: ranks numbered as Subject says, flows between two different
/// subjects of the world, at most one for a pair, shared paths only between subjects of one label with flows both ways
/// and within their bounds (wire/shared_path.hpp), and a decision that allows exactly the listed flows and each subject
/// to itself. Errors: over_limit, inconsistent.
Status<TableError> check(const RunTable& table);

/// The privilege control table of `subject` in the form of wire/privilege_table.hpp.
std::vector<std::byte> privilege_table(const RunTable& table, std::uint32_t subject);

}  // namespace sluice::table
