#include "trusted/policy/decision.hpp"

#include <algorithm>

#include "trusted/policy/text.hpp"
#include "wire/privilege_table.hpp"

namespace sluice::policy {
namespace {

const table::Flow* flow_between(const Policy& policy, std::uint32_t from, std::uint32_t to) {
  const auto same = [&](const table::Flow& flow) { return flow.from == from && flow.to == to; };
  const auto& flows = policy.table.flows;
  const auto found = std::find_if(flows.begin(), flows.end(), same);
  return found == flows.end() ? nullptr : &*found;
}

Explanation listed(const table::Flow& flow, const std::string& ends) {
  Explanation result;
  result.allowed = true;
  result.line = flow.policy_line;
  const std::string line = "line " + std::to_string(flow.policy_line);
  if (flow.downgrade.empty()) {
    result.cause = Cause::flow;
    result.reason = ends + ": allowed by the flow at " + line;
  } else {
    result.cause = Cause::downgrade;
    result.reason = ends + ": allowed by downgrade '" + flow.downgrade + "' at " + line;
  }
  return result;
}

/// Those of the two that have `world: subject`: "melt", "melt and solver", or empty.
std::string own_worlds(const Subject& sender, const Subject& receiver) {
  std::string text = sender.world == World::subject ? sender.name : "";
  if (receiver.world == World::subject) text += (text.empty() ? "" : " and ") + receiver.name;
  return text;
}

/// The smallest change that has the lattice allow the flow, and lists it.
std::string lattice_change(const Policy& policy, const Subject& sender, const Subject& receiver) {
  std::string flow = "add to flows: - { from: " + sender.name + ", to: " + receiver.name + " }";
  if (lattice::dominates(receiver.label, sender.label)) return flow;
  const std::string raised = policy.lattice.print(lattice::join(sender.label, receiver.label));
  return "raise the label of " + receiver.name + " to " + raised + " and " + flow +
         "; or add only the flow, with downgrade: NAME";
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "/") + name;
  return text;
}

}  // namespace

std::string named(const Subject& subject) { return subject.name + " (" + subject.label_text + ")"; }

std::vector<std::string> failing(const lattice::Lattice& lattice, const Subject& from, const Subject& to) {
  std::vector<std::string> result;
  if (from.label.level > to.label.level) {
    result.push_back("level " + lattice.levels()[from.label.level] + " is above " + lattice.levels()[to.label.level]);
  }
  for (std::size_t i = 0; i < lattice.compartments().size(); ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    if ((from.label.compartments & ~to.label.compartments & bit) == 0) continue;
    result.push_back("compartment " + lattice.compartments()[i] + " is missing at the receiver");
  }
  return result;
}

std::string failing_text(const lattice::Lattice& lattice, const Subject& from, const Subject& to) {
  std::string text;
  for (const std::string& coordinate : failing(lattice, from, to)) text += (text.empty() ? "" : ", ") + coordinate;
  return text;
}

Explanation explain(const Policy& policy, std::uint32_t from, std::uint32_t to) {
  const Subject& sender = policy.subjects[from];
  const Subject& receiver = policy.subjects[to];
  const std::string ends = named(sender) + " -> " + named(receiver);
  if (const table::Flow* flow = flow_between(policy, from, to)) return listed(*flow, ends);

  Explanation result;
  result.line = policy.flows_line;
  if (from == to) {
    result.allowed = true;
    result.cause = Cause::same_subject;
    result.line = sender.place.line;
    result.reason = named(sender) + ": messages inside a subject are not mediated";
    return result;
  }
  result.failing = failing(policy.lattice, sender, receiver);
  const std::string apart = own_worlds(sender, receiver);
  if (!apart.empty()) {
    result.cause = Cause::own_world;
    result.reason = ends + ": denied, " + apart +
                    (apart.find(' ') == std::string::npos ? " has a world of its own" : " have worlds of their own");
    result.change = "give " + apart + " 'world: run', then " + lattice_change(policy, sender, receiver);
  } else if (result.failing.empty()) {
    result.cause = Cause::no_flow;
    result.reason = ends + ": denied, no such flow is listed";
    result.change = lattice_change(policy, sender, receiver);
  } else {
    result.cause = Cause::lattice;
    result.reason = ends + ": denied, " + failing_text(policy.lattice, sender, receiver);
    result.change = lattice_change(policy, sender, receiver);
  }
  return result;
}

void compile(Policy& policy) {
  table::RunTable& table = policy.table;
  table.lattice = joined(policy.lattice.levels()) + "//" + joined(policy.lattice.compartments());
  table.subjects.clear();
  table.decisions.clear();
  for (const Subject& subject : policy.subjects) {
    table.subjects.push_back({subject.name, subject.label_text, 0, subject.ranks, subject.world == World::run});
  }
  std::uint32_t next = 0;
  for (const bool in_world : {true, false}) {
    for (table::Subject& subject : table.subjects) {
      if (subject.in_world != in_world) continue;
      subject.first_rank = next;
      next += subject.rank_count;
    }
  }
  const auto count = static_cast<std::uint32_t>(policy.subjects.size());
  for (std::uint32_t from = 0; from < count; ++from) {
    for (std::uint32_t to = 0; to < count; ++to) {
      const Explanation why = explain(policy, from, to);
      table.decisions.push_back(
          {why.allowed, why.line, clip(why.reason, wire::kReasonBytes), clip(why.change, wire::kHintBytes)});
    }
  }
}

}  // namespace sluice::policy
