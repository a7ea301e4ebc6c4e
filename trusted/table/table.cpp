#include "trusted/table/table.hpp"

#include <algorithm>

#include "wire/limits.hpp"
#include "wire/privilege_table.hpp"
#include "wire/shared_path.hpp"

namespace sluice::table {
namespace {

/// True if `text` fits a zero-terminated field of `bytes` bytes.
bool fits(const std::string& text, std::size_t bytes) {
  return text.size() < bytes && text.find('\0') == std::string::npos;
}

bool within_limits(const RunTable& table) {
  const std::size_t count = table.subjects.size();
  if (count == 0 || count > wire::kMaxSubjects || table.decisions.size() != count * count) return false;
  std::uint64_t ranks = 0;
  for (const Subject& subject : table.subjects) {
    if (subject.name.empty() || !fits(subject.name, wire::kNameBytes) || !fits(subject.label, wire::kLabelBytes)) {
      return false;
    }
    if (subject.rank_count == 0) return false;
    ranks += subject.rank_count;
  }
  for (const Flow& flow : table.flows) {
    if (flow.queue_bytes < wire::kMinQueueBytes || flow.queue_bytes > wire::kMaxQueueBytes) return false;
    if (!fits(flow.downgrade, wire::kNameBytes)) return false;
    if (flow.spill_bytes > wire::kMaxSpillBytes) return false;
  }
  for (const Decision& decision : table.decisions) {
    if (!fits(decision.reason, wire::kReasonBytes) || !fits(decision.hint, wire::kHintBytes)) return false;
  }
  return ranks <= wire::kMaxRanks && fits(table.lattice, wire::kLatticeBytes);
}

/// Names differ, and ranks are numbered through: world first.
bool subjects_consistent(const RunTable& table) {
  std::uint32_t next = 0;
  for (const bool in_world : {true, false}) {
    for (const Subject& subject : table.subjects) {
      if (subject.in_world != in_world) continue;
      if (subject.first_rank != next) return false;
      next += subject.rank_count;
    }
  }
  for (auto subject = table.subjects.begin(); subject != table.subjects.end(); ++subject) {
    const auto same = [&](const Subject& other) { return other.name == subject->name; };
    if (std::any_of(table.subjects.begin(), subject, same)) return false;
  }
  return true;
}

/// The decisions allow the listed flows and the diagonal, and nothing else.
bool flows_consistent(const RunTable& table) {
  const std::size_t count = table.subjects.size();
  std::vector<bool> allowed(count * count);
  for (std::size_t i = 0; i < count; ++i) allowed[i * count + i] = true;
  for (const Flow& flow : table.flows) {
    if (flow.from >= count || flow.to >= count) return false;
    if (!table.subjects[flow.from].in_world || !table.subjects[flow.to].in_world) return false;
    const std::size_t cell = flow.from * count + flow.to;
    if (allowed[cell]) return false;  // a second flow for the pair, or one from a subject to itself
    allowed[cell] = true;
    if ((flow.when_full == WhenFull::spill) != (flow.spill_bytes >= wire::kMinSpillBytes)) return false;
    if (flow.when_full != WhenFull::spill && flow.spill_bytes != 0) return false;
    if (flow.when_full != WhenFull::stop_receiver && flow.path != Path::relay) return false;
  }
  for (std::size_t cell = 0; cell < allowed.size(); ++cell) {
    if (table.decisions[cell].allowed != allowed[cell]) return false;
  }
  return true;
}

/// A shared path tells the sender what the receiver has taken: lawful only where the receiver may send as much.
bool shared_paths_consistent(const RunTable& table) {
  std::vector<std::uint32_t> descriptors(table.subjects.size());
  for (const Flow& flow : table.flows) {
    if (flow.path != Path::shared) continue;
    const Subject& from = table.subjects[flow.from];
    const Subject& to = table.subjects[flow.to];
    if (from.label != to.label || !table.decision(flow.to, flow.from).allowed) return false;
    if (std::uint64_t{from.rank_count} * to.rank_count > wire::kMaxSharedPairs) return false;
    for (const std::uint32_t end : {flow.from, flow.to}) {
      descriptors[end] += wire::kDescriptorsPerSharedFlow;
      if (descriptors[end] > wire::kMaxSharedDescriptors) return false;
    }
  }
  return true;
}

}  // namespace

std::uint32_t RunTable::rank_count() const noexcept {
  std::uint32_t ranks = 0;
  for (const Subject& subject : subjects) ranks += subject.rank_count;
  return ranks;
}

std::uint32_t RunTable::world_size() const noexcept {
  std::uint32_t ranks = 0;
  for (const Subject& subject : subjects) ranks += subject.in_world ? subject.rank_count : 0;
  return ranks;
}

std::vector<Capability> capabilities(const RunTable& table, std::uint32_t subject) {
  std::vector<Capability> result;
  for (std::uint32_t flow = 0; flow < table.flows.size(); ++flow) {
    if (table.flows[flow].from != subject) continue;
    const std::uint32_t receivers = table.subjects[table.flows[flow].to].rank_count;
    for (std::uint32_t receiver = 0; receiver < receivers; ++receiver) result.push_back({flow, receiver});
  }
  return result;
}

std::vector<std::uint32_t> inflows(const RunTable& table, std::uint32_t subject) {
  std::vector<std::uint32_t> result;
  for (std::uint32_t flow = 0; flow < table.flows.size(); ++flow) {
    if (table.flows[flow].to == subject) result.push_back(flow);
  }
  return result;
}

const Flow* shared_flow(const RunTable& table, std::uint32_t from, std::uint32_t to) {
  const auto found = std::find_if(table.flows.begin(), table.flows.end(), [&](const Flow& flow) {
    return flow.path == Path::shared && flow.from == from && flow.to == to;
  });
  return found == table.flows.end() ? nullptr : &*found;
}

std::uint32_t segment_count(const RunTable& table, const Flow& flow) {
  const std::uint64_t quota = (flow.queue_bytes + wire::kSegmentBytes - 1) / wire::kSegmentBytes;
  const std::uint64_t least = std::uint64_t{2} * table.subjects[flow.to].rank_count;
  return static_cast<std::uint32_t>(std::max(quota, least));
}

std::uint32_t intake_segments(const RunTable& table, const Flow& flow) {
  constexpr std::uint32_t kLeast = (std::uint32_t{64} << 20) / wire::kSegmentBytes;
  return flow.when_full == WhenFull::stop_receiver ? 0 : std::max(kLeast, segment_count(table, flow));
}

Status<TableError> check(const RunTable& table) {
  if (!within_limits(table)) return TableError::over_limit;
  if (!subjects_consistent(table) || !flows_consistent(table) || !shared_paths_consistent(table)) {
    return TableError::inconsistent;
  }
  return Unit{};
}

}  // namespace sluice::table
