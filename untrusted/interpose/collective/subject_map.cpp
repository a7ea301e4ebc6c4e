#include "untrusted/interpose/collective/subject_map.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace sluice::interpose {

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// Appends the ranks of `subject` and of all below it.
void collect(const Tree& tree, const SubjectMap& map, int subject, std::vector<int>& ranks) {
  const std::vector<int>& members = map.members(subject);
  ranks.insert(ranks.end(), members.begin(), members.end());
  for (const int child : tree.children[at(subject)]) collect(tree, map, child, ranks);
}

}  // namespace

std::vector<Group> groups_of(std::span<const int> subject_of, bool commutes) {
  std::vector<Group> groups;
  std::map<int, std::size_t> known;  // of an operation that commutes: the group of a subject
  int last = -1;
  for (std::size_t rank = 0; rank < subject_of.size(); ++rank) {
    const int subject = subject_of[rank];
    std::size_t place = subject == last ? groups.size() - 1 : groups.size();
    if (commutes) place = known.try_emplace(subject, groups.size()).first->second;
    if (place == groups.size()) groups.emplace_back();
    groups[place].push_back(static_cast<int>(rank));
    last = subject;
  }
  return groups;
}

SubjectMap::SubjectMap(std::vector<int> subject_of, FlowGraph flows)
    : subject_of_(std::move(subject_of)),
      flows_(std::move(flows)),
      members_(at(flows_.size())),
      down_(at(flows_.size())),
      up_(at(flows_.size())) {
  for (std::size_t rank = 0; rank < subject_of_.size(); ++rank) {
    members_[at(subject_of_[rank])].push_back(static_cast<int>(rank));
  }
  for (auto& verdicts : verdicts_) verdicts.resize(at(flows_.size()));
}

const Tree& SubjectMap::tree(Trees& trees, int top, bool downwards) {
  std::optional<Tree>& place = trees[at(top)];
  if (place.has_value()) return *place;
  Tree& made = place.emplace();
  made.parent.assign(at(subjects()), -1);
  made.children.resize(at(subjects()));
  made.bundle.resize(at(subjects()));
  std::vector<int> queue{top};  // breadth first: the nearest parent, and of those the first
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const int parent = queue[next];
    for (int child = 0; child < subjects(); ++child) {
      const bool joined = downwards ? flows_.direct(parent, child) : flows_.direct(child, parent);
      if (!joined || std::find(queue.begin(), queue.end(), child) != queue.end()) continue;
      made.parent[at(child)] = parent;
      made.children[at(parent)].push_back(child);
      queue.push_back(child);
    }
  }
  for (const int subject : queue) collect(made, *this, subject, made.bundle[at(subject)]);
  return made;
}

const std::vector<Group>& SubjectMap::groups(bool commutes) {
  std::vector<Group>& known = groups_[commutes ? 1 : 0];
  if (known.empty()) known = groups_of(subject_of_, commutes);
  return known;
}

std::vector<int> SubjectMap::path(int from, int to) {
  const Tree& tree = up(to);
  std::vector<int> subjects{from};
  while (subjects.back() != to && tree.parent[at(subjects.back())] >= 0) {
    subjects.push_back(tree.parent[at(subjects.back())]);
  }
  return subjects;
}

const std::optional<Obstacle>& SubjectMap::verdict(Relation relation, int root) {
  const bool rooted = relation == Relation::from_root || relation == Relation::to_root;
  const int subject = rooted ? subject_of(root) : 0;
  auto& known = verdicts_[static_cast<std::size_t>(relation)][at(subject)];
  if (!known.has_value()) known = find_obstacle(relation, root, subject_of_, flows_);
  return *known;
}

}  // namespace sluice::interpose
