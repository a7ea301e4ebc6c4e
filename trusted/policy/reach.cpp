#include "trusted/policy/reach.hpp"

#include <algorithm>
#include <deque>

namespace sluice::policy {
namespace {

constexpr std::uint32_t kNobody = UINT32_MAX;

/// For each subject the one before it on a shortest way from `from`; kNobody for those that no way leads to.
std::vector<std::uint32_t> ways_from(const Policy& policy, std::uint32_t from) {
  std::vector<std::uint32_t> before(policy.subjects.size(), kNobody);
  std::deque<std::uint32_t> next{from};
  before[from] = from;
  while (!next.empty()) {
    const std::uint32_t subject = next.front();
    next.pop_front();
    for (const table::Flow& flow : policy.table.flows) {
      if (flow.from != subject || before[flow.to] != kNobody) continue;
      before[flow.to] = subject;
      next.push_back(flow.to);
    }
  }
  return before;
}

bool listed(const Policy& policy, std::uint32_t from, std::uint32_t to) {
  const auto& flows = policy.table.flows;
  return std::any_of(flows.begin(), flows.end(),
                     [&](const table::Flow& flow) { return flow.from == from && flow.to == to; });
}

std::vector<std::string> downgrades_if(const Policy& policy, const auto& chosen) {
  std::vector<std::string> names;
  for (const table::Flow& flow : policy.table.flows) {
    if (!flow.downgrade.empty() && chosen(flow)) names.push_back(flow.downgrade);
  }
  return names;
}

}  // namespace

std::vector<Detour> detours(const Policy& policy) {
  std::vector<Detour> found;
  const auto count = static_cast<std::uint32_t>(policy.subjects.size());
  for (std::uint32_t from = 0; from < count; ++from) {
    const std::vector<std::uint32_t> before = ways_from(policy, from);
    for (std::uint32_t to = 0; to < count; ++to) {
      const bool lawful = lattice::dominates(policy.subjects[to].label, policy.subjects[from].label);
      if (lawful || before[to] == kNobody || listed(policy, from, to)) continue;
      Detour way{to};
      while (way.back() != from) way.push_back(before[way.back()]);
      std::reverse(way.begin(), way.end());
      found.push_back(std::move(way));
    }
  }
  return found;
}

std::vector<Circle> circles(const Policy& policy) {
  const auto count = static_cast<std::uint32_t>(policy.subjects.size());
  std::vector<std::vector<std::uint32_t>> before;
  for (std::uint32_t from = 0; from < count; ++from) before.push_back(ways_from(policy, from));
  std::vector<Circle> found;
  std::vector<bool> done(count);
  for (std::uint32_t first = 0; first < count; ++first) {
    Circle circle;
    for (std::uint32_t other = first; other < count && !done[first]; ++other) {
      if (before[first][other] != kNobody && before[other][first] != kNobody) circle.push_back(other);
    }
    for (const std::uint32_t subject : circle) done[subject] = true;
    const bool one_label = std::all_of(circle.begin(), circle.end(), [&](std::uint32_t subject) {
      return policy.subjects[subject].label == policy.subjects[first].label;
    });
    if (!one_label) found.push_back(std::move(circle));
  }
  return found;
}

std::vector<std::string> downgrades_on(const Policy& policy, const Detour& way) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i + 1 < way.size(); ++i) {
    const auto step =
        downgrades_if(policy, [&](const table::Flow& flow) { return flow.from == way[i] && flow.to == way[i + 1]; });
    names.insert(names.end(), step.begin(), step.end());
  }
  return names;
}

std::vector<std::string> downgrades_in(const Policy& policy, const Circle& circle) {
  const auto inside = [&](std::uint32_t subject) {
    return std::find(circle.begin(), circle.end(), subject) != circle.end();
  };
  return downgrades_if(policy, [&](const table::Flow& flow) { return inside(flow.from) && inside(flow.to); });
}

}  // namespace sluice::policy
