#include "untrusted/interpose/collective/legality.hpp"

#include <algorithm>

namespace sluice::interpose {

namespace {

/// First and last rank of each subject.
struct Span {
  int first = -1;
  int last = -1;
};

std::vector<Span> spans_of(const std::vector<int>& subject_of, int subjects) {
  std::vector<Span> spans(static_cast<std::size_t>(subjects));
  for (std::size_t rank = 0; rank < subject_of.size(); ++rank) {
    Span& span = spans[static_cast<std::size_t>(subject_of[rank])];
    if (span.first < 0) span.first = static_cast<int>(rank);
    span.last = static_cast<int>(rank);
  }
  return spans;
}

/// Different subjects of some ranks, in the order of ranks.
std::vector<int> subjects_among(const std::vector<int>& subject_of) {
  std::vector<int> subjects;
  for (const int subject : subject_of) {
    if (std::find(subjects.begin(), subjects.end(), subject) == subjects.end()) subjects.push_back(subject);
  }
  return subjects;
}

/// Which subjects data of `from` comes to, or from which it comes to `from`, if it goes through `through` alone.
std::vector<bool> reached(int from, bool downwards, const std::vector<int>& through, const FlowGraph& flows) {
  std::vector<bool> seen(static_cast<std::size_t>(flows.size()));
  std::vector<int> queue{from};
  seen[static_cast<std::size_t>(from)] = true;
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const int subject = queue[next];
    for (const int other : through) {
      const bool joined = downwards ? flows.direct(subject, other) : flows.direct(other, subject);
      if (!joined || seen[static_cast<std::size_t>(other)]) continue;
      seen[static_cast<std::size_t>(other)] = true;
      queue.push_back(other);
    }
  }
  return seen;
}

/// Data goes between each of `roots` and all of `others`.
std::optional<Obstacle> find_rooted(bool downwards, const std::vector<int>& roots, const std::vector<int>& others,
                                    const FlowGraph& flows) {
  for (const int root : roots) {
    const std::vector<bool> seen = reached(root, downwards, others, flows);
    for (const int other : others) {
      if (seen[static_cast<std::size_t>(other)]) continue;
      return downwards ? Obstacle{root, other} : Obstacle{other, root};
    }
  }
  return std::nullopt;
}

}  // namespace

FlowGraph::FlowGraph(int subjects, const std::function<bool(int from, int to)>& allowed) : size_(subjects) {
  const std::size_t pairs = static_cast<std::size_t>(subjects) * static_cast<std::size_t>(subjects);
  direct_.resize(pairs);
  for (int from = 0; from < subjects; ++from) {
    for (int to = 0; to < subjects; ++to) {
      const bool flows = from == to || allowed(from, to);
      direct_[index(from, to)] = flows;
      if (!flows && !missing_.has_value()) missing_ = Obstacle{from, to};
    }
  }
  reaches_ = direct_;
  for (int via = 0; via < subjects; ++via) {
    for (int from = 0; from < subjects; ++from) {
      if (!reaches_[index(from, via)]) continue;
      for (int to = 0; to < subjects; ++to) {
        if (reaches_[index(via, to)]) reaches_[index(from, to)] = true;
      }
    }
  }
}

std::optional<Obstacle> find_obstacle(Relation relation, int root, const std::vector<int>& subject_of,
                                      const FlowGraph& flows) {
  const std::vector<Span> spans = spans_of(subject_of, flows.size());
  const bool rooted = relation == Relation::from_root || relation == Relation::to_root;
  const int center = rooted ? subject_of[static_cast<std::size_t>(root)] : -1;
  for (int from = 0; from < flows.size(); ++from) {
    if (relation == Relation::from_root && from != center) continue;
    for (int to = 0; to < flows.size(); ++to) {
      if (relation == Relation::to_root && to != center) continue;
      const bool contributes = relation != Relation::ascending ||
                               spans[static_cast<std::size_t>(from)].first < spans[static_cast<std::size_t>(to)].last;
      if (contributes && !flows.reaches(from, to)) return Obstacle{from, to};
    }
  }
  return std::nullopt;
}

std::optional<Obstacle> find_edge_obstacle(const std::vector<std::pair<int, int>>& edges,
                                           const std::vector<int>& subject_of, const FlowGraph& flows) {
  for (const auto& [sender, receiver] : edges) {
    const int from = subject_of[static_cast<std::size_t>(sender)];
    const int to = subject_of[static_cast<std::size_t>(receiver)];
    if (!flows.direct(from, to)) return Obstacle{from, to};
  }
  return std::nullopt;
}

std::optional<Obstacle> find_obstacle_between(Relation relation, const std::vector<int>& first,
                                              const std::vector<int>& second, const FlowGraph& flows) {
  const std::vector<int> one = subjects_among(first);
  const std::vector<int> other = subjects_among(second);
  if (relation == Relation::from_root || relation == Relation::to_root) {
    return find_rooted(relation == Relation::from_root, one, other, flows);
  }
  std::optional<Obstacle> found = find_rooted(false, one, other, flows);
  if (!found.has_value()) found = find_rooted(false, other, one, flows);
  if (!found.has_value()) found = find_rooted(true, one, one, flows);
  return found.has_value() ? found : find_rooted(true, other, other, flows);
}

}  // namespace sluice::interpose
