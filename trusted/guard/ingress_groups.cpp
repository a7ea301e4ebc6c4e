#include "trusted/guard/ingress_groups.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>

namespace sluice::guard {

namespace {

using Group = std::pair<std::string, std::set<std::uint32_t>>;

/// What the members of a group have in common: the label, and where the subject's bytes may go, itself included. Two
/// subjects that agree in the latter have flows both ways.
Group group_of(const table::RunTable& table, std::uint32_t subject) {
  std::set<std::uint32_t> reached{subject};
  for (const table::Flow& flow : table.flows) {
    if (flow.from == subject) reached.insert(flow.to);
  }
  return {table.subjects[subject].label, std::move(reached)};
}

}  // namespace

std::vector<std::vector<std::uint32_t>> ingress_groups(const table::RunTable& table, unsigned processors) {
  const bool share = table.world_size() + table.subjects.size() > processors;
  std::vector<std::vector<std::uint32_t>> groups;
  std::map<Group, std::size_t> known;
  for (std::uint32_t subject = 0; subject < table.subjects.size(); ++subject) {
    const std::size_t fresh = groups.size();
    const std::size_t place = share ? known.try_emplace(group_of(table, subject), fresh).first->second : fresh;
    if (place == fresh) groups.emplace_back();
    groups[place].push_back(subject);
  }
  return groups;
}

}  // namespace sluice::guard
