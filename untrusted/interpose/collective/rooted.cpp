#include "untrusted/interpose/collective/rooted.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>

#include "untrusted/interpose/collective/neighbours.hpp"
#include "untrusted/interpose/collective/place.hpp"

namespace sluice::interpose {

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// Bytes of the parts of `ranks` together.
std::uint64_t total(std::span<const int> ranks, const Sizes& sizes) {
  return std::accumulate(ranks.begin(), ranks.end(), std::uint64_t{0},
                         [&](std::uint64_t sum, int rank) { return sum + sizes[at(rank)]; });
}

/// Ranks whose parts cross a boundary together.
using Segment = std::span<const int>;

/// How the parts of a bundle cross: those that are long enough to travel in several messages each for itself, from
/// where it lies; shorter ones that follow each other laid together.
std::vector<Segment> segments_of(const std::vector<int>& bundle, const Sizes& sizes) {
  std::vector<Segment> segments;
  bool joins = false;  // the last segment takes more
  for (std::size_t i = 0; i < bundle.size(); ++i) {
    const bool long_part = sizes[at(bundle[i])] > Transfer::kBytes;
    if (joins && !long_part) {
      segments.back() = {segments.back().data(), segments.back().size() + 1};
    } else {
      segments.emplace_back(&bundle[i], 1);
    }
    joins = !long_part;
  }
  return segments;
}

/// Whether a segment is this rank's own part and nothing else.
bool is_own(const Segment& segment, const Schedule& schedule) {
  return segment.size() == 1 && segment.front() == schedule.rank();
}

/// Where the parts of `ranks` lie in the program's memory, if one follows the other there as they travel; else null.
std::byte* place_of(Segment ranks, const Blocks& parts) {
  std::byte* start = nullptr;
  const std::byte* end = nullptr;
  for (const int rank : ranks) {
    const Block& part = parts[at(rank)];
    if (part.bytes() == 0) continue;
    if (!part.direct() || (end != nullptr && part.data() != end)) return nullptr;
    if (start == nullptr) start = part.data();
    end = part.data() + part.bytes();
  }
  return start;
}

using Copies = std::vector<std::function<int()>>;

/// Receives, or lays out for later copying, the parts of `ranks`, which come together from one rank.
void receive_parts(Schedule& schedule, int from, Segment ranks, const Sizes& sizes, const Blocks& parts,
                   Copies& copies) {
  const std::uint64_t bytes = total(ranks, sizes);
  const bool fits =
      std::all_of(ranks.begin(), ranks.end(), [&](int rank) { return parts[at(rank)].bytes() == sizes[at(rank)]; });
  if (std::byte* place = fits ? place_of(ranks, parts) : nullptr; place != nullptr) {
    return schedule.receive(from, place, bytes);
  }
  std::byte* together = schedule.scratch(bytes);
  schedule.receive(from, together, bytes);
  std::uint64_t offset = 0;
  for (const int rank : ranks) {
    const Block& part = parts[at(rank)];
    if (part.bytes() != sizes[at(rank)]) {
      schedule.fail(part.bytes() < sizes[at(rank)] ? MPI_ERR_TRUNCATE : MPI_ERR_COUNT);
      continue;
    }
    copies.emplace_back([part, together, offset] { return part.unpack(together + offset); });
    offset += sizes[at(rank)];
  }
}

void gather_at_root(Schedule& schedule, const Place& place, const Sizes& sizes, const Blocks& parts) {
  Copies copies;
  for (const int& member : place.members()) {
    if (member != place.root()) receive_parts(schedule, member, {&member, 1}, sizes, parts, copies);
  }
  for (const int subject : place.below()) {
    for (const Segment& segment : segments_of(place.bundle(subject), sizes)) {
      receive_parts(schedule, place.speaker(subject), segment, sizes, parts, copies);
    }
  }
  if (copies.empty()) return;
  schedule.then([copies] {
    for (const auto& copy : copies) {
      if (const int error = copy(); error != MPI_SUCCESS) return error;
    }
    return MPI_SUCCESS;
  });
}

/// Passes on the parts of a subject and of those below it, each as soon as it is there.
void gather_at_leader(Schedule& schedule, const Place& place, const std::byte* mine, const Sizes& sizes) {
  const std::uint64_t bytes = total(place.bundle(), sizes);
  const std::vector<Segment> segments = segments_of(place.bundle(), sizes);
  const bool copies_own = !is_own(segments.front(), schedule);  // the leader is the first of its bundle
  const std::uint64_t own_bytes = sizes[at(schedule.rank())];
  const std::uint64_t skipped = copies_own ? 0 : own_bytes;
  std::byte* next = schedule.scratch(bytes - skipped);
  const std::byte* unsent = next;
  if (copies_own && own_bytes != 0) {
    schedule.then([next, mine, own_bytes] {
      std::memcpy(next, mine, own_bytes);
      return MPI_SUCCESS;
    });
    next += own_bytes;
  }
  const auto receive = [&](int from, std::uint64_t size) {
    schedule.receive(from, next, size);
    next += size;
  };
  for (const int member : place.members()) {
    if (member != schedule.rank()) receive(member, sizes[at(member)]);
  }
  for (const int subject : place.below()) {
    for (const Segment& segment : segments_of(place.bundle(subject), sizes)) {
      receive(place.speaker(subject), total(segment, sizes));
    }
  }
  schedule.follow(bytes);
  for (const Segment& segment : segments) {
    const std::uint64_t size = total(segment, sizes);
    const bool own = is_own(segment, schedule);
    schedule.send(place.above(), own ? mine : unsent, size);
    if (!own) unsent += size;
  }
}

/// Lays the parts of `ranks` together, to be sent.
const std::byte* collect(Schedule& schedule, Segment ranks, const Sizes& sizes, const Blocks& parts) {
  if (ranks.size() == 1) return packed(schedule, parts[at(ranks.front())]);
  if (const std::byte* place = place_of(ranks, parts); place != nullptr) return place;
  std::byte* together = schedule.scratch(total(ranks, sizes));
  if (together == nullptr) return nullptr;
  std::uint64_t offset = 0;
  for (const int rank : ranks) {
    schedule.fail(parts[at(rank)].pack(together + offset));
    offset += sizes[at(rank)];
  }
  return together;
}

void scatter_at_root(Schedule& schedule, const Place& place, const Sizes& sizes, const Blocks& parts) {
  for (const int subject : place.below()) {
    for (const Segment& segment : segments_of(place.bundle(subject), sizes)) {
      schedule.send(place.speaker(subject), collect(schedule, segment, sizes, parts), total(segment, sizes));
    }
  }
  for (const int member : place.members()) {
    if (member == place.root()) continue;
    schedule.send(member, packed(schedule, parts[at(member)]), sizes[at(member)]);
  }
}

/// Takes the parts of a subject and of those below it, and hands each out as soon as it is there.
void scatter_at_leader(Schedule& schedule, const Place& place, const Sizes& sizes, const Block& mine) {
  const std::uint64_t own_bytes = sizes[at(schedule.rank())];
  const std::vector<Segment> segments = segments_of(place.bundle(), sizes);
  // Straight into the program's memory where it is long: the leader is the first of its bundle.
  const bool in_place = is_own(segments.front(), schedule) && mine.direct() && mine.bytes() == own_bytes;
  std::byte* together = schedule.scratch(total(place.bundle(), sizes) - (in_place ? own_bytes : 0));
  std::byte* next = together;
  for (const Segment& segment : segments) {
    const std::uint64_t size = total(segment, sizes);
    const bool own = in_place && is_own(segment, schedule);
    schedule.receive(place.above(), own ? mine.data() : next, size);
    if (!own) next += size;
  }
  next = together + (in_place ? 0 : own_bytes);
  for (const int member : place.members()) {
    if (member == schedule.rank()) continue;
    schedule.send(member, next, sizes[at(member)]);
    next += sizes[at(member)];
  }
  for (const int subject : place.below()) {
    for (const Segment& segment : segments_of(place.bundle(subject), sizes)) {
      const std::uint64_t size = total(segment, sizes);
      schedule.send(place.speaker(subject), next, size);
      next += size;
    }
  }
  schedule.wait();
  if (in_place) return;
  schedule.then(
      [mine, together, own_bytes] { return own_bytes == mine.bytes() ? mine.unpack(together) : MPI_ERR_COUNT; });
}

constexpr std::uint64_t kSizeBytes = sizeof(std::uint64_t);
/// Who tells of more than that, and of more than there is memory for, lies: nobody waits for so much.
constexpr std::uint64_t kMostLikely = std::uint64_t{1} << 36;

/// Memory for the sizes of `count` ranks, as they travel.
std::uint64_t* size_scratch(Schedule& schedule, std::size_t count) {
  return reinterpret_cast<std::uint64_t*>(schedule.zeroed_scratch(count * kSizeBytes));
}

std::byte* as_bytes(std::uint64_t* sizes) { return reinterpret_cast<std::byte*>(sizes); }

/// Spreads sizes in the order of `ranks` to their places by rank. Sizes that did not come are 0, and so are those that
/// no message has: others may say anything.
Sizes by_rank(Schedule& schedule, const std::vector<int>& ranks, const std::uint64_t* sizes) {
  Sizes spread(at(schedule.size()));
  for (std::size_t i = 0; sizes != nullptr && i < ranks.size(); ++i) {
    if (sizes[i] > wire::kMaxMessageBytes) {
      schedule.fail(MPI_ERR_COUNT);
    } else {
      spread[at(ranks[i])] = sizes[i];
    }
  }
  const std::uint64_t whole = total(ranks, spread);
  if (whole > kMostLikely && schedule.scratch(whole) == nullptr) spread.assign(spread.size(), 0);
  return spread;
}

/// Lays the sizes of the parts of `ranks` together, to be sent.
const std::byte* collect_sizes(Schedule& schedule, const std::vector<int>& ranks, const Sizes& sizes) {
  std::uint64_t* together = size_scratch(schedule, ranks.size());
  for (std::size_t i = 0; together != nullptr && i < ranks.size(); ++i) together[i] = sizes[at(ranks[i])];
  return as_bytes(together);
}

}  // namespace

void broadcast(Schedule& schedule, int root, std::byte* data, std::uint64_t bytes) {
  const Neighbours& neighbours = broadcast_neighbours(schedule.participants(), root);
  if (neighbours.from >= 0) schedule.receive(neighbours.from, data, bytes);
  schedule.follow(bytes);
  for (const int to : neighbours.to) schedule.send(to, data, bytes);
  schedule.wait();
}

void broadcast(Schedule& schedule, int root, const Block& block) {
  if (block.direct()) return broadcast(schedule, root, block.data(), block.bytes());
  std::byte* bytes = schedule.scratch(block.bytes());
  const bool sends = schedule.rank() == root;
  if (sends) schedule.then([block, bytes] { return block.pack(bytes); });
  broadcast(schedule, root, bytes, block.bytes());
  if (!sends) schedule.then([block, bytes] { return block.unpack(bytes); });
}

void gather(Schedule& schedule, int root, const std::byte* mine, const Sizes& sizes, const Blocks& parts) {
  const Place place = Place::upwards(schedule, root);
  if (schedule.rank() == root) {
    gather_at_root(schedule, place, sizes, parts);
  } else if (schedule.rank() == place.speaker()) {
    gather_at_leader(schedule, place, mine, sizes);
  } else {
    schedule.send(place.speaker(), mine, sizes[at(schedule.rank())]);
  }
  schedule.wait();
}

void gather_unknown(Schedule& schedule, int root, const std::byte* mine, std::uint64_t bytes, const Blocks& parts) {
  const Place place = Place::upwards(schedule, root);
  if (schedule.rank() != place.speaker()) {
    std::uint64_t* size = size_scratch(schedule, 1);
    if (size != nullptr) *size = bytes;
    schedule.send(place.speaker(), as_bytes(size), kSizeBytes);
    schedule.send(place.speaker(), mine, bytes);
    return schedule.wait();
  }
  const std::vector<int>& ranks = place.bundle();
  std::uint64_t* sizes = size_scratch(schedule, ranks.size());
  std::size_t i = 0;
  for (const int member : place.members()) {
    if (member != schedule.rank()) {
      schedule.receive(member, as_bytes(sizes + i), kSizeBytes);
    } else if (sizes != nullptr) {
      sizes[i] = bytes;
    }
    ++i;
  }
  for (const int subject : place.below()) {
    const std::size_t count = place.bundle(subject).size();
    schedule.receive(place.speaker(subject), as_bytes(sizes + i), count * kSizeBytes);
    i += count;
  }
  schedule.extend([&schedule, place, mine, sizes, parts] {
    const std::vector<int>& all = place.bundle();
    const Sizes known = by_rank(schedule, all, sizes);
    if (schedule.rank() == place.root()) return gather_at_root(schedule, place, known, parts);
    schedule.send(place.above(), as_bytes(sizes), all.size() * kSizeBytes);
    gather_at_leader(schedule, place, mine, known);
  });
}

void scatter(Schedule& schedule, int root, const Blocks& parts, const Sizes& sizes, const Block& mine) {
  const Place place = Place::downwards(schedule, root);
  if (schedule.rank() == root) {
    scatter_at_root(schedule, place, sizes, parts);
  } else if (schedule.rank() == place.speaker()) {
    scatter_at_leader(schedule, place, sizes, mine);
  } else {
    receive_block(schedule, place.speaker(), mine);
  }
  schedule.wait();
}

void scatter_unknown(Schedule& schedule, int root, const Blocks& parts, const Block& mine) {
  const Place place = Place::downwards(schedule, root);
  if (schedule.rank() != place.speaker()) return receive_block(schedule, place.speaker(), mine);
  if (schedule.rank() == root) {
    Sizes sizes;
    for (const Block& part : parts) sizes.push_back(part.bytes());
    for (const int subject : place.below()) {
      const std::vector<int>& ranks = place.bundle(subject);
      schedule.send(place.speaker(subject), collect_sizes(schedule, ranks, sizes), ranks.size() * kSizeBytes);
    }
    return scatter_at_root(schedule, place, sizes, parts);
  }
  const std::vector<int>& ranks = place.bundle();
  std::uint64_t* sizes = size_scratch(schedule, ranks.size());
  schedule.receive(place.above(), as_bytes(sizes), ranks.size() * kSizeBytes);
  schedule.extend([&schedule, place, sizes, mine] {
    const Sizes known = by_rank(schedule, place.bundle(), sizes);
    for (const int subject : place.below()) {
      const std::vector<int>& below = place.bundle(subject);
      schedule.send(place.speaker(subject), collect_sizes(schedule, below, known), below.size() * kSizeBytes);
    }
    scatter_at_leader(schedule, place, known, mine);
  });
}

}  // namespace sluice::interpose
