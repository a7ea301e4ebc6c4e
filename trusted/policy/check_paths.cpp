// `path: shared` of flows: whether both ends may know as much of each other as it tells.
#include "trusted/policy/sections.hpp"
#include "trusted/policy/text.hpp"
#include "wire/shared_path.hpp"

namespace sluice::policy {
namespace {

constexpr const char* kUseRelay = "use 'path: relay'";

void check_path(const table::Flow& flow, Place place, Draft& draft) {
  const Subject& from = draft.policy.subjects[flow.from];
  const Subject& to = draft.policy.subjects[flow.to];
  const std::string where = " from '" + from.name + "' to '" + to.name + "'";
  bool returns = false;
  for (const table::Flow& other : draft.policy.table.flows) {
    returns = returns || (other.from == flow.to && other.to == flow.from);
  }
  if (!returns) {
    draft.mistakes.add(place,
                       "'path: shared'" + where + " tells '" + from.name + "' what '" + to.name + "' has received",
                       "add '{ from: " + to.name + ", to: " + from.name + " }', or " + kUseRelay);
  } else if (draft.labelled[flow.from] && draft.labelled[flow.to] && from.label != to.label) {
    draft.mistakes.add(place,
                       "'path: shared'" + where + " joins two labels: " + from.label_text + " and " + to.label_text,
                       std::string(kUseRelay) + ": between labels the guard carries every message");
  } else if (std::uint64_t{from.ranks} * to.ranks > wire::kMaxSharedPairs) {
    draft.mistakes.add(place,
                       "'path: shared'" + where + " needs a ring for each of " +
                           std::to_string(std::uint64_t{from.ranks} * to.ranks) + " pairs of ranks",
                       "have at most " + std::to_string(wire::kMaxSharedPairs) + " pairs, or " + kUseRelay);
  }
}

}  // namespace

void check_paths(const std::vector<std::pair<std::size_t, Place>>& shared, Draft& draft) {
  constexpr std::uint32_t kMost = wire::kMaxSharedDescriptors / wire::kDescriptorsPerSharedFlow;
  std::vector<std::uint32_t> flows(draft.policy.subjects.size());
  for (const auto& [index, place] : shared) {
    const table::Flow& flow = draft.policy.table.flows[index];
    check_path(flow, place, draft);
    for (const std::uint32_t end : {flow.from, flow.to}) {
      if (++flows[end] != kMost + 1) continue;
      draft.mistakes.add(place,
                         "'" + draft.policy.subjects[end].name + "' has more than " + std::to_string(kMost) +
                             " flows with 'path: shared'",
                         kUseRelay);
    }
  }
}

}  // namespace sluice::policy
