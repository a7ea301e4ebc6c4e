// Why one subject may or may not send to another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trusted/policy/policy.hpp"

namespace sluice::policy {

enum class Cause {
  same_subject,  ///< allowed: nothing inside a subject is mediated
  flow,          ///< allowed: a flow is listed, and the lattice allows it
  downgrade,     ///< allowed: a flow is listed with a downgrade, against the lattice
  own_world,     ///< denied: one of them has `world: subject`
  no_flow,       ///< denied: the lattice would allow it, but no flow is listed
  lattice,       ///< denied: no flow is listed, and the lattice forbids it
};

struct Explanation {
  bool allowed = false;
  Cause cause = Cause::no_flow;
  std::uint32_t line = 0;            ///< of the flow if there is one, else Policy::flows_line
  std::vector<std::string> failing;  ///< each coordinate of the labels in which the lattice forbids the flow
  std::string reason;                ///< one sentence, with both labels
  std::string change;                ///< the smallest change that would allow it; empty when allowed
};

/// Explains `from` -> `to`, both indexes of subjects of `policy`.
Explanation explain(const Policy& policy, std::uint32_t from, std::uint32_t to);

/// Fills in the rest of policy.table from policy.subjects and policy.table.flows.
void compile(Policy& policy);

/// "ingest (UNCLASSIFIED)".
std::string named(const Subject& subject);

/// Each coordinate in which `to` does not dominate `from`: "level SECRET is above UNCLASSIFIED", "compartment IMG is
/// missing at the receiver".
std::vector<std::string> failing(const lattice::Lattice& lattice, const Subject& from, const Subject& to);

/// The same in one text.
std::string failing_text(const lattice::Lattice& lattice, const Subject& from, const Subject& to);

}  // namespace sluice::policy
