#include "untrusted/interpose/collective/rooted.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace sluice::interpose {

namespace {

/// Large messages travel in pieces of this many bytes, so that a rank passes on one while the next arrives.
constexpr std::uint64_t kPiece = std::uint64_t{128} * 1024;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// Where a rank is in the tree of an operation with a root. Each subject has one rank that sends and receives for it:
/// the root in its own, the leader elsewhere.
struct Place {
  Place(Schedule& schedule, int root_rank, const Tree& operation)
      : map(schedule.map()), tree(operation), root(root_rank), subject(map.subject_of(schedule.rank())) {}

  [[nodiscard]] int speaker(int of) const { return of == map.subject_of(root) ? root : map.leader(of); }
  [[nodiscard]] int speaker() const { return speaker(subject); }
  [[nodiscard]] bool top() const { return subject == map.subject_of(root); }
  [[nodiscard]] int above() const { return speaker(tree.parent[at(subject)]); }
  [[nodiscard]] const std::vector<int>& below() const { return tree.children[at(subject)]; }
  [[nodiscard]] const std::vector<int>& bundle(int of) const { return tree.bundle[at(of)]; }
  [[nodiscard]] const std::vector<int>& members() const { return map.members(subject); }

  SubjectMap& map;
  const Tree& tree;
  int root;
  int subject;
};

Place downwards(Schedule& schedule, int root) {
  return {schedule, root, schedule.map().down(schedule.map().subject_of(root))};
}
Place upwards(Schedule& schedule, int root) {
  return {schedule, root, schedule.map().up(schedule.map().subject_of(root))};
}

/// Bytes of the parts of `ranks` together.
std::uint64_t total(const std::vector<int>& ranks, const Sizes& sizes) {
  return std::accumulate(ranks.begin(), ranks.end(), std::uint64_t{0}, [&](std::uint64_t sum, int rank) {
    return sizes[at(rank)] == kAbsent ? sum : sum + sizes[at(rank)];
  });
}

/// From whom a rank gets broadcast data, -1 at the root, and to whom it passes them on: a binomial tree inside the
/// subject below the tree over subjects.
struct Neighbours {
  int from = -1;
  std::vector<int> to;
};

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

Neighbours broadcast_neighbours(Schedule& schedule, int root) {
  const Place place = downwards(schedule, root);
  Neighbours neighbours;
  if (schedule.rank() == place.speaker()) {
    if (!place.top()) neighbours.from = place.above();
    for (const int subject : place.below()) neighbours.to.push_back(place.speaker(subject));
  }
  add_binomial(place, schedule.rank(), neighbours);
  return neighbours;
}

/// Receives, or lays out for later copying, the parts of `ranks`, which come together from one rank.
void receive_parts(Schedule& schedule, int from, const std::vector<int>& ranks, const Sizes& sizes, const Blocks& parts,
                   std::vector<std::function<int()>>& copies) {
  const std::uint64_t bytes = total(ranks, sizes);
  bool adjacent = true;  // the parts lie in the program's memory as they come
  const std::byte* end = nullptr;
  for (const int rank : ranks) {
    const Block& part = parts[at(rank)];
    if (sizes[at(rank)] == kAbsent || sizes[at(rank)] == 0) continue;
    adjacent = adjacent && part.direct() && part.bytes() == sizes[at(rank)] && (end == nullptr || part.data() == end);
    end = part.data() + part.bytes();
  }
  if (adjacent && end != nullptr) return schedule.receive(from, const_cast<std::byte*>(end) - bytes, bytes);
  std::byte* together = schedule.scratch(bytes);
  schedule.receive(from, together, bytes);
  std::uint64_t offset = 0;
  for (const int rank : ranks) {
    if (sizes[at(rank)] == kAbsent) continue;
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
  std::vector<std::function<int()>> copies;
  for (const int member : place.members()) {
    if (member == place.root || sizes[at(member)] == kAbsent) continue;
    receive_parts(schedule, member, {member}, sizes, parts, copies);
  }
  for (const int subject : place.below()) {
    receive_parts(schedule, place.speaker(subject), place.bundle(subject), sizes, parts, copies);
  }
  if (copies.empty()) return;
  schedule.then([copies] {
    for (const auto& copy : copies) {
      if (const int error = copy(); error != MPI_SUCCESS) return error;
    }
    return MPI_SUCCESS;
  });
}

/// Collects the parts of a subject and of those below it, and passes them on together.
void gather_at_leader(Schedule& schedule, const Place& place, const std::byte* mine, const Sizes& sizes) {
  const std::uint64_t bytes = total(place.bundle(place.subject), sizes);
  std::byte* together = schedule.scratch(bytes);
  std::byte* own = nullptr;
  std::uint64_t offset = 0;
  for (const int member : place.members()) {
    const std::uint64_t size = sizes[at(member)];
    if (size == kAbsent) continue;
    if (member != schedule.rank()) {
      schedule.receive(member, together + offset, size);
    } else {
      own = together + offset;
    }
    offset += size;
  }
  for (const int subject : place.below()) {
    const std::uint64_t size = total(place.bundle(subject), sizes);
    schedule.receive(place.speaker(subject), together + offset, size);
    offset += size;
  }
  schedule.then([own, mine, size = sizes[at(schedule.rank())]] {
    if (own != nullptr && size != 0) std::memcpy(own, mine, size);
    return MPI_SUCCESS;
  });
  schedule.send(place.above(), together, bytes);
}

/// Whether the parts of `ranks` lie together in the program's memory, in this order.
bool lie_together(const std::vector<int>& ranks, const Blocks& parts) {
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const Block& part = parts[at(ranks[i])];
    if (!part.direct()) return false;
    if (i == 0) continue;
    const Block& before = parts[at(ranks[i - 1])];
    if (part.data() != before.data() + before.bytes()) return false;
  }
  return true;
}

/// Lays the parts of `ranks` together, to be sent.
const std::byte* collect(Schedule& schedule, const std::vector<int>& ranks, const Sizes& sizes, const Blocks& parts) {
  if (ranks.size() == 1 || lie_together(ranks, parts)) return packed(schedule, parts[at(ranks[0])]);
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
    const std::vector<int>& ranks = place.bundle(subject);
    schedule.send(place.speaker(subject), collect(schedule, ranks, sizes, parts), total(ranks, sizes));
  }
  for (const int member : place.members()) {
    if (member == place.root) continue;
    schedule.send(member, packed(schedule, parts[at(member)]), sizes[at(member)]);
  }
}

/// Takes the parts of a subject and of those below it, and hands them out.
void scatter_at_leader(Schedule& schedule, const Place& place, const Sizes& sizes, const Block& mine) {
  const std::uint64_t bytes = total(place.bundle(place.subject), sizes);
  std::byte* together = schedule.scratch(bytes);
  schedule.receive(place.above(), together, bytes);
  schedule.wait();
  std::uint64_t offset = 0;
  for (const int member : place.members()) {
    const std::byte* part = together + offset;
    const std::uint64_t size = sizes[at(member)];
    if (member == schedule.rank()) {
      schedule.then([mine, part, size] { return size == mine.bytes() ? mine.unpack(part) : MPI_ERR_COUNT; });
    } else {
      schedule.send(member, part, size);
    }
    offset += size;
  }
  for (const int subject : place.below()) {
    const std::uint64_t size = total(place.bundle(subject), sizes);
    schedule.send(place.speaker(subject), together + offset, size);
    offset += size;
  }
  schedule.wait();
}

constexpr std::uint64_t kSizeBytes = sizeof(std::uint64_t);

/// Memory for the sizes of `count` ranks, as they travel.
std::uint64_t* size_scratch(Schedule& schedule, std::size_t count) {
  return reinterpret_cast<std::uint64_t*>(schedule.zeroed_scratch(count * kSizeBytes));
}

std::byte* as_bytes(std::uint64_t* sizes) { return reinterpret_cast<std::byte*>(sizes); }

/// Spreads sizes in the order of `ranks` to their places by rank. Sizes that did not come are 0.
Sizes by_rank(const std::vector<int>& ranks, const std::uint64_t* sizes, int size) {
  Sizes spread(at(size));
  for (std::size_t i = 0; sizes != nullptr && i < ranks.size(); ++i) spread[at(ranks[i])] = sizes[i];
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
  const Neighbours neighbours = broadcast_neighbours(schedule, root);
  const bool relays = neighbours.from >= 0 && !neighbours.to.empty();
  for (std::uint64_t offset = 0; offset == 0 || offset < bytes; offset += kPiece) {
    const std::uint64_t piece = std::min(kPiece, bytes - offset);
    // The next piece is received while this one is passed on.
    if (neighbours.from >= 0) schedule.receive(neighbours.from, data + offset, piece);
    if (relays) schedule.wait();
    for (const int to : neighbours.to) schedule.send(to, data + offset, piece);
  }
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
  const Place place = upwards(schedule, root);
  if (schedule.rank() == root) {
    gather_at_root(schedule, place, sizes, parts);
  } else if (schedule.rank() == place.speaker()) {
    gather_at_leader(schedule, place, mine, sizes);
  } else if (sizes[at(schedule.rank())] != kAbsent) {
    schedule.send(place.speaker(), mine, sizes[at(schedule.rank())]);
  }
  schedule.wait();
}

void gather_unknown(Schedule& schedule, int root, const std::byte* mine, std::uint64_t bytes, const Blocks& parts) {
  const Place place = upwards(schedule, root);
  if (schedule.rank() != place.speaker()) {
    std::uint64_t* size = size_scratch(schedule, 1);
    if (size != nullptr) *size = bytes;
    schedule.send(place.speaker(), as_bytes(size), kSizeBytes);
    schedule.send(place.speaker(), mine, bytes);
    return schedule.wait();
  }
  const std::vector<int>& ranks = place.bundle(place.subject);
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
    const std::vector<int>& all = place.bundle(place.subject);
    const Sizes known = by_rank(all, sizes, schedule.size());
    if (schedule.rank() == place.root) return gather_at_root(schedule, place, known, parts);
    schedule.send(place.above(), as_bytes(sizes), all.size() * kSizeBytes);
    gather_at_leader(schedule, place, mine, known);
  });
}

void scatter(Schedule& schedule, int root, const Blocks& parts, const Sizes& sizes, const Block& mine) {
  const Place place = downwards(schedule, root);
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
  const Place place = downwards(schedule, root);
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
  const std::vector<int>& ranks = place.bundle(place.subject);
  std::uint64_t* sizes = size_scratch(schedule, ranks.size());
  schedule.receive(place.above(), as_bytes(sizes), ranks.size() * kSizeBytes);
  schedule.extend([&schedule, place, sizes, mine] {
    const Sizes known = by_rank(place.bundle(place.subject), sizes, schedule.size());
    for (const int subject : place.below()) {
      const std::vector<int>& below = place.bundle(subject);
      schedule.send(place.speaker(subject), collect_sizes(schedule, below, known), below.size() * kSizeBytes);
    }
    scatter_at_leader(schedule, place, known, mine);
  });
}

}  // namespace sluice::interpose
