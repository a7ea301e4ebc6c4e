#include "untrusted/interpose/collective/reduction.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "untrusted/interpose/collective/collector.hpp"
#include "untrusted/interpose/collective/halves.hpp"

namespace sluice::interpose {

namespace {

/// Large reductions run piece by piece, so that ranks further up start early.
constexpr std::uint64_t kPiece = std::uint64_t{256} * 1024;

/// Reduces the operands of a group to one of its ranks. Returns where the value is, there. Does not change this rank's
/// operand.
Block reduce_group(Schedule& schedule, const Group& group, int holder, const Reduction& reduction) {
  const auto position = [&](int rank) { return std::find(group.begin(), group.end(), rank) - group.begin(); };
  const auto count = static_cast<std::ptrdiff_t>(group.size());
  const Halves halves(count, position(holder));
  const std::ptrdiff_t own = position(schedule.rank());
  struct Other {
    Block value;
    bool left;
  };
  std::vector<Other> others;
  int to = -1;
  for (std::ptrdiff_t reach = 1; reach < count && to < 0; reach *= 2) {
    const Halves::Sibling sibling = halves.sibling(own, reach);
    if (!sibling.exists) continue;
    const int rank = group[static_cast<std::size_t>(sibling.rank)];
    if (sibling.takes) {
      to = rank;
    } else {
      others.push_back({like(schedule, reduction.operand), sibling.left});
      receive_block(schedule, rank, others.back().value);
    }
  }
  Block value = reduction.operand;
  for (const auto& [other, left] : others) {
    if (left && !reduction.commutes) {
      value = writable(schedule, reduction, value);
      combine(schedule, reduction.op, other, value);
    } else {
      combine(schedule, reduction.op, value, other);
      value = other;
    }
  }
  if (to >= 0) send_block(schedule, to, value);
  schedule.wait();
  return value;
}

void reduce_piece(Schedule& schedule, int root, const std::vector<Group>& groups, const Reduction& reduction,
                  const Block& result) {
  const auto own = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
    return std::find(group.begin(), group.end(), schedule.rank()) != group.end();
  });
  const bool grouped = own != groups.end();
  const int holder = grouped ? holder_of(*own, root) : -1;
  const Block value = grouped ? reduce_group(schedule, *own, holder, reduction) : reduction.operand;
  const bool contributes = holder == schedule.rank();
  const Place place = Place::upwards(schedule, root);
  if (schedule.rank() != place.speaker()) {
    if (contributes) send_block(schedule, place.speaker(), value);
    return schedule.wait();
  }
  Collector collector(schedule, groups, root, reduction);
  if (contributes) collector.take_own(static_cast<std::size_t>(own - groups.begin()), value);
  collector.receive(place);
  if (schedule.rank() != root) return collector.pass_on(place.above());
  const Block& sum = collector.sum();
  if (sum.address != result.address) copy_then(schedule, sum, result);
}

/// Where a rank is in the groups of a scan.
struct Position {
  const Group* group;
  std::size_t index;  ///< of the group
  std::ptrdiff_t in_group;
};

/// Precondition: the rank is in one of the groups.
Position position_of(const std::vector<Group>& groups, int rank) {
  std::size_t index = 0;
  auto found = std::find(groups[0].begin(), groups[0].end(), rank);
  while (found == groups[index].end()) {
    ++index;
    found = std::find(groups[index].begin(), groups[index].end(), rank);
  }
  return {&groups[index], index, found - groups[index].begin()};
}

/// Prefix of the group up to this rank, itself included, by doubling distances. Does not change the operand.
Block scan_group(Schedule& schedule, const Position& own, const Reduction& reduction) {
  const auto count = static_cast<std::ptrdiff_t>(own.group->size());
  const auto member = [&](std::ptrdiff_t i) { return (*own.group)[static_cast<std::size_t>(i)]; };
  const Block value = like(schedule, reduction.operand);
  copy_then(schedule, reduction.operand, value);
  for (std::ptrdiff_t distance = 1; distance < count; distance *= 2) {
    const bool receives = own.in_group >= distance;
    if (own.in_group + distance < count) send_block(schedule, member(own.in_group + distance), value);
    const Block before = receives ? like(schedule, value) : Block{};
    if (receives) receive_block(schedule, member(own.in_group - distance), before);
    schedule.wait();
    if (receives) combine(schedule, reduction.op, before, value);
  }
  schedule.wait();
  return value;
}

/// Moves a value from one rank to another, along a path of flows between their subjects.
void convey(Schedule& schedule, int from, const Block& value, int to, const Block& target) {
  SubjectMap& map = schedule.map();
  const std::vector<int> path = map.path(map.subject_of(from), map.subject_of(to));
  std::vector<int> ranks{from};
  for (std::size_t i = 1; i + 1 < path.size(); ++i) ranks.push_back(map.leader(path[i]));
  ranks.push_back(to);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i] != schedule.rank()) continue;
    const bool ends = i + 1 == ranks.size();
    const Block carried = i == 0 ? value : ends ? target : like(schedule, value);
    if (i != 0) receive_block(schedule, ranks[i - 1], carried);
    schedule.wait();
    if (!ends) send_block(schedule, ranks[i + 1], carried);
    schedule.wait();
  }
}

/// Hands a value of a group's first rank to the others.
void share(Schedule& schedule, const Position& own, const Block& value) {
  const auto count = static_cast<std::ptrdiff_t>(own.group->size());
  std::ptrdiff_t reach = 1;
  while (reach < count && (own.in_group & reach) == 0) reach *= 2;
  const auto member = [&](std::ptrdiff_t i) { return (*own.group)[static_cast<std::size_t>(i)]; };
  if (own.in_group != 0) receive_block(schedule, member(own.in_group - reach), value);
  schedule.wait();
  for (reach /= 2; reach > 0; reach /= 2) {
    if (own.in_group + reach < count) send_block(schedule, member(own.in_group + reach), value);
  }
  schedule.wait();
}

/// Shifts the prefixes of a group by one rank. The first rank of a group gets nothing.
void shift(Schedule& schedule, const Position& own, const Block& from, const Block& to) {
  const auto member = [&](std::ptrdiff_t i) { return (*own.group)[static_cast<std::size_t>(i)]; };
  if (own.in_group + 1 < static_cast<std::ptrdiff_t>(own.group->size())) {
    send_block(schedule, member(own.in_group + 1), from);
  }
  if (own.in_group > 0) receive_block(schedule, member(own.in_group - 1), to);
  schedule.wait();
}

}  // namespace

void reduce(Schedule& schedule, int root, const Reduction& reduction, const Block& result) {
  const std::int64_t count = reduction.operand.count;
  const auto extent = static_cast<std::uint64_t>(std::max<std::int64_t>(reduction.operand.layout.extent, 1));
  const auto step = static_cast<std::int64_t>(std::max<std::uint64_t>(kPiece / extent, 1));
  const std::size_t mark = schedule.scratch_mark();
  std::vector<Group> some;
  if (reduction.contributors >= 0) {
    const std::span<const int> subject_of(schedule.map().subject_of());
    some = groups_of(subject_of.first(static_cast<std::size_t>(reduction.contributors)), reduction.commutes);
  }
  const std::vector<Group>& groups = reduction.contributors < 0 ? schedule.map().groups(reduction.commutes) : some;
  std::int64_t first = 0;
  do {
    if (first != 0) schedule.recycle_scratch(mark);
    const std::int64_t piece = std::min(step, count - first);
    const Reduction part{reduction.op, reduction.commutes, part_of(reduction.operand, first, piece),
                         reduction.contributors};
    reduce_piece(schedule, root, groups, part, part_of(result, first, piece));
    first += piece;
  } while (first < count);
}

void scan(Schedule& schedule, const Reduction& reduction, const Block& result, bool inclusive) {
  const std::vector<Group>& groups = schedule.map().groups(false);
  const Position own = position_of(groups, schedule.rank());
  const Block prefix = scan_group(schedule, own, reduction);
  const Block exclusive = inclusive ? prefix : like(schedule, prefix);
  if (!inclusive) shift(schedule, own, prefix, exclusive);
  const Block before = like(schedule, prefix);  // of all groups before the own one
  for (std::size_t i = 1; i < groups.size(); ++i) {
    // The last rank of a group has the sum of all ranks up to it.
    convey(schedule, groups[i - 1].back(), prefix, groups[i].front(), before);
    if (i != own.index) continue;
    share(schedule, own, before);
    combine(schedule, reduction.op, before, prefix);
    if (!inclusive && own.in_group != 0) combine(schedule, reduction.op, before, exclusive);
  }
  if (inclusive || own.in_group != 0) return copy_then(schedule, exclusive, result);
  if (schedule.rank() != 0) copy_then(schedule, before, result);
}

}  // namespace sluice::interpose
