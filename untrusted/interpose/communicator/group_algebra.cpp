#include "untrusted/interpose/communicator/group_algebra.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

namespace sluice::interpose {

namespace {

using Members = std::unordered_set<std::int32_t>;

Members members_of(const RankList& group) { return {group.begin(), group.end()}; }

RankList filter(const RankList& group, const Members& members, bool wanted) {
  RankList kept;
  std::copy_if(group.begin(), group.end(), std::back_inserter(kept),
               [&](std::int32_t member) { return members.contains(member) == wanted; });
  return kept;
}

}  // namespace

RankList unite(const RankList& first, const RankList& second) {
  RankList united = first;
  const RankList more = filter(second, members_of(first), false);
  united.insert(united.end(), more.begin(), more.end());
  return united;
}

RankList intersect(const RankList& first, const RankList& second) { return filter(first, members_of(second), true); }

RankList subtract(const RankList& first, const RankList& second) { return filter(first, members_of(second), false); }

std::optional<RankList> include(const RankList& group, std::span<const int> ranks) {
  RankList included;
  std::vector<bool> seen(group.size(), false);
  for (const int rank : ranks) {
    if (rank < 0 || static_cast<std::size_t>(rank) >= group.size()) return std::nullopt;
    const auto index = static_cast<std::size_t>(rank);
    if (seen[index]) return std::nullopt;
    seen[index] = true;
    included.push_back(group[index]);
  }
  return included;
}

std::optional<RankList> exclude(const RankList& group, std::span<const int> ranks) {
  const std::optional<RankList> excluded = include(group, ranks);
  if (!excluded.has_value()) return std::nullopt;
  return subtract(group, *excluded);
}

std::optional<std::vector<int>> expand(std::span<const RankRange> ranges, std::size_t size) {
  const auto is_rank = [&](int rank) { return rank >= 0 && static_cast<std::size_t>(rank) < size; };
  std::vector<int> ranks;
  for (const RankRange& range : ranges) {
    if (range.stride == 0 || !is_rank(range.first)) return std::nullopt;
    const std::int64_t stride = range.stride;
    for (std::int64_t rank = range.first; stride > 0 ? rank <= range.last : rank >= range.last; rank += stride) {
      if (!is_rank(static_cast<int>(rank))) return std::nullopt;
      ranks.push_back(static_cast<int>(rank));
    }
  }
  return ranks;
}

GroupRelation relate(const RankList& first, const RankList& second) {
  if (first.size() != second.size()) return GroupRelation::unequal;
  if (first == second) return GroupRelation::identical;
  return subtract(first, second).empty() ? GroupRelation::similar : GroupRelation::unequal;
}

std::int32_t rank_in(const RankList& group, std::int32_t member) noexcept {
  const auto found = std::find(group.begin(), group.end(), member);
  return found == group.end() ? -1 : static_cast<std::int32_t>(found - group.begin());
}

RankList ranks_in(const RankList& group, std::span<const std::int32_t> members) {
  std::unordered_map<std::int32_t, std::int32_t> rank_of;
  for (std::size_t rank = 0; rank < group.size(); ++rank) rank_of[group[rank]] = static_cast<std::int32_t>(rank);
  RankList ranks;
  for (const std::int32_t member : members) {
    const auto found = rank_of.find(member);
    ranks.push_back(found == rank_of.end() ? -1 : found->second);
  }
  return ranks;
}

RankList split(const RankList& group, std::span<const SplitChoice> choices, std::int32_t color) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < group.size(); ++i) {
    if (choices[i].color == color) places.push_back(i);
  }
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t left, std::size_t right) { return choices[left].key < choices[right].key; });
  RankList members;
  for (const std::size_t place : places) members.push_back(group[place]);
  return members;
}

}  // namespace sluice::interpose
