#include "untrusted/interpose/collective/neighbours.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include "untrusted/interpose/collective/collector.hpp"
#include "untrusted/interpose/collective/halves.hpp"
#include "untrusted/interpose/collective/place.hpp"

namespace sluice::interpose {

namespace {

void add_binomial(const Place& place, int rank, Neighbours& neighbours) {
  const std::vector<int>& members = place.members();
  const auto count = static_cast<std::ptrdiff_t>(members.size());
  const auto place_of = [&](int member) { return std::find(members.begin(), members.end(), member) - members.begin(); };
  const std::ptrdiff_t first = place_of(place.speaker());
  const std::ptrdiff_t position = (place_of(rank) - first + count) % count;
  const auto member = [&](std::ptrdiff_t i) { return members[static_cast<std::size_t>((i + first) % count)]; };
  std::ptrdiff_t reach = 1;
  while (reach < count && (position & reach) == 0) reach *= 2;
  if (position != 0) neighbours.from = member(position - reach);
  for (reach /= 2; reach > 0; reach /= 2) {
    if (position + reach < count) neighbours.to.push_back(member(position + reach));
  }
}

Neighbours make_neighbours(Participants& among, int root) {
  const Place place = Place::downwards(among, root);
  Neighbours neighbours;
  if (among.rank == place.speaker()) {
    if (!place.top()) neighbours.from = place.above();
    for (const int subject : place.below()) neighbours.to.push_back(place.speaker(subject));
  }
  add_binomial(place, among.rank, neighbours);
  return neighbours;
}

/// The ranks of the subject, of which `holder` gets the value.
void add_inside(const Group& group, int rank, int holder, Partners& partners) {
  const auto position = [&](int member) { return std::find(group.begin(), group.end(), member) - group.begin(); };
  const auto count = static_cast<std::ptrdiff_t>(group.size());
  const Halves halves(count, position(holder));
  for (std::ptrdiff_t reach = 1; reach < count && partners.to < 0; reach *= 2) {
    const Halves::Sibling sibling = halves.sibling(position(rank), reach);
    if (!sibling.exists) continue;
    const int other = group[static_cast<std::size_t>(sibling.rank)];
    if (sibling.takes) {
      partners.to = other;
    } else {
      partners.inside.push_back(other);
    }
  }
}

/// What a subject passes on is one value if it is of one group, or of the first ones without a gap.
bool is_one_value(const std::vector<std::size_t>& groups) {
  return groups.size() == 1 || leading(groups) == groups.size();
}

/// Subjects below, by the first group of their values. False if some pass on several values, or this one would.
bool add_below(const Place& place, const std::vector<Group>& groups, std::size_t own, Partners& partners) {
  std::map<std::size_t, int> order{{own, -1}};  // -1 is the subject itself
  for (const int subject : place.below()) {
    const std::vector<std::size_t> found = groups_in(groups, place.bundle(subject));
    if (found.empty() || !is_one_value(found)) return false;
    order[found.front()] = place.speaker(subject);
  }
  for (const auto& [group, speaker] : order) {
    if (speaker < 0) {
      partners.own = partners.below.size();
    } else {
      partners.below.push_back(speaker);
    }
  }
  return is_one_value(groups_in(groups, place.bundle()));
}

Partners make_partners(Participants& among, int root) {
  Partners partners;
  const std::vector<Group>& groups = among.map.groups(true);
  const auto own = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
    return std::find(group.begin(), group.end(), among.rank) != group.end();
  });
  const Place place = Place::upwards(among, root);
  add_inside(*own, among.rank, holder_of(*own, root), partners);
  partners.simple = true;
  if (among.rank != place.speaker()) return partners;
  partners.simple = add_below(place, groups, static_cast<std::size_t>(own - groups.begin()), partners);
  partners.to = place.top() ? -1 : place.above();
  return partners;
}

/// What `make` gives for a root, remembered.
template <typename Made, typename Make>
const Made& remembered(std::vector<std::shared_ptr<const Made>>& known, Participants& among, int root, Make&& make) {
  if (known.empty()) known.resize(static_cast<std::size_t>(among.size()));
  std::shared_ptr<const Made>& place = known[static_cast<std::size_t>(root)];
  if (place == nullptr) place = std::make_shared<const Made>(make(among, root));
  return *place;
}

}  // namespace

const Neighbours& broadcast_neighbours(Participants& among, int root) {
  return remembered(among.broadcast, among, root, make_neighbours);
}

const Partners& reduction_partners(Participants& among, int root) {
  return remembered(among.reduction, among, root, make_partners);
}

}  // namespace sluice::interpose
