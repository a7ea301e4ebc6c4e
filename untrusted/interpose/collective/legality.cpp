#include "untrusted/interpose/collective/legality.hpp"

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

}  // namespace sluice::interpose
