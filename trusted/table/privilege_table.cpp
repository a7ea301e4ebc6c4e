// The form in which a subject is told what it may do: wire/privilege_table.hpp.
#include "wire/privilege_table.hpp"

#include <algorithm>
#include <cstring>

#include "trusted/table/table.hpp"
#include "wire/greeting.hpp"
#include "wire/shared_path.hpp"

namespace sluice::table {
namespace {

template <std::size_t N>
void put_text(char (&field)[N], const std::string& text) {
  const std::size_t size = std::min(text.size(), N - 1);
  std::memcpy(field, text.data(), size);  // the field is zero already
}

template <typename Entry>
void append(std::vector<std::byte>& bytes, const Entry& entry) {
  const auto* first = reinterpret_cast<const std::byte*>(&entry);
  bytes.insert(bytes.end(), first, first + sizeof entry);
}

wire::SubjectEntry entry_of(const Subject& subject) {
  wire::SubjectEntry entry{};
  put_text(entry.name, subject.name);
  put_text(entry.label, subject.label);
  entry.first_rank = subject.first_rank;
  entry.rank_count = subject.rank_count;
  return entry;
}

wire::DecisionEntry entry_of(const RunTable& table, std::uint32_t from, std::uint32_t to) {
  const Decision& decision = table.decision(from, to);
  wire::DecisionEntry entry{};
  entry.allowed = decision.allowed ? 1 : 0;
  entry.path = shared_flow(table, from, to) != nullptr ? wire::kPathShared : wire::kPathRelay;
  entry.policy_line = decision.policy_line;
  put_text(entry.reason, decision.reason);
  put_text(entry.hint, decision.hint);
  return entry;
}

/// For each world rank, the index of the capability of `subject` that names it.
std::vector<std::uint32_t> capability_map(const RunTable& table, std::uint32_t subject) {
  std::vector<std::uint32_t> map(table.world_size(), wire::kNoCapability);
  const std::vector<Capability> list = capabilities(table, subject);
  for (std::uint32_t index = 0; index < list.size(); ++index) {
    const Subject& receiver = table.subjects[table.flows[list[index].flow].to];
    map[receiver.first_rank + list[index].receiver] = index;
  }
  return map;
}

}  // namespace

std::vector<std::byte> privilege_table(const RunTable& table, std::uint32_t subject) {
  const auto count = static_cast<std::uint32_t>(table.subjects.size());
  const std::vector<std::uint32_t> incoming = inflows(table, subject);
  std::vector<std::byte> bytes(sizeof(wire::PrivilegeTable));
  for (const Subject& entry : table.subjects) append(bytes, entry_of(entry));
  for (std::uint32_t other = 0; other < count; ++other) append(bytes, entry_of(table, subject, other));
  for (std::uint32_t other = 0; other < count; ++other) append(bytes, entry_of(table, other, subject));
  for (const std::uint32_t capability : capability_map(table, subject)) append(bytes, capability);
  for (const std::uint32_t flow : incoming) {
    append(bytes, wire::InflowEntry{table.flows[flow].from, segment_count(table, table.flows[flow])});
  }
  for (const Decision& decision : table.decisions) append(bytes, std::uint8_t{decision.allowed});
  for (const char letter : table.lattice) append(bytes, letter);
  append(bytes, '\0');

  const wire::PrivilegeTable header{.magic = wire::kTableMagic,
                                    .version = wire::kProtocolVersion,
                                    .total_bytes = static_cast<std::uint32_t>(bytes.size()),
                                    .self = subject,
                                    .subject_count = count,
                                    .rank_count = table.world_size(),
                                    .inflow_count = static_cast<std::uint32_t>(incoming.size()),
                                    .lattice_bytes = static_cast<std::uint32_t>(table.lattice.size() + 1)};
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace sluice::table
