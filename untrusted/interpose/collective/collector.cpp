#include "untrusted/interpose/collective/collector.hpp"

#include <algorithm>

namespace sluice::interpose {

namespace {

/// Elements that the host MPI combines at a time: its counts are ints.
constexpr std::int64_t kCombined = std::int64_t{1} << 30;

/// The bytes of a block whose value is there when the steps added so far are complete.
const std::byte* packed_then(Schedule& schedule, const Block& block) {
  if (block.direct()) return block.data();
  std::byte* bytes = schedule.scratch(block.bytes());
  schedule.then([block, bytes] { return block.pack(bytes); });
  return bytes;
}

}  // namespace

std::vector<std::size_t> groups_in(const std::vector<Group>& groups, const std::vector<int>& bundle) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (std::find(bundle.begin(), bundle.end(), groups[i].front()) != bundle.end()) found.push_back(i);
  }
  return found;
}

std::size_t leading(const std::vector<std::size_t>& groups) {
  std::size_t count = 0;
  while (count < groups.size() && groups[count] == count) ++count;
  return count;
}

void combine(Schedule& schedule, MPI_Op op, const Block& first, const Block& second) {
  schedule.then([op, first, second] {
    int error = MPI_SUCCESS;
    for (std::int64_t done = 0; error == MPI_SUCCESS && done < first.count; done += kCombined) {
      const std::int64_t count = std::min(kCombined, first.count - done);
      error = PMPI_Reduce_local(part_of(first, done, count).address, part_of(second, done, count).address,
                                static_cast<int>(count), first.datatype, op);
    }
    return error;
  });
}

void copy_then(Schedule& schedule, const Block& from, const Block& to) {
  schedule.then([&schedule, from, to] {
    copy_block(schedule, from, to);
    return MPI_SUCCESS;
  });
}

void send_block(Schedule& schedule, int rank, const Block& block) {
  schedule.send(rank, packed_then(schedule, block), block.bytes());
}

Block writable(Schedule& schedule, const Reduction& reduction, const Block& value) {
  if (value.address != reduction.operand.address) return value;
  const Block copy = like(schedule, value);
  copy_then(schedule, value, copy);
  return copy;
}

int holder_of(const Group& group, int root) {
  return std::find(group.begin(), group.end(), root) != group.end() ? root : group.front();
}

void Collector::take_own(std::size_t group, const Block& value) {
  // The first value is only read; another takes the sum.
  values_[group] = group == 0 ? value : writable(schedule_, reduction_, value);
}

void Collector::receive(const Place& place) {
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const int holder = holder_of(groups_[i], root_);
    const std::vector<int>& members = place.members();
    if (holder == schedule_.rank() || std::find(members.begin(), members.end(), holder) == members.end()) continue;
    values_[i] = like(schedule_, reduction_.operand);
    receive_block(schedule_, holder, values_[i]);
  }
  for (const int subject : place.below())
    receive_from(place.speaker(subject), groups_in(groups_, place.bundle(subject)));
  schedule_.wait();
  combine_first();
}

/// Receives what a subject passes on that has combined its `groups`.
void Collector::receive_from(int speaker, const std::vector<std::size_t>& groups) {
  const std::size_t first = leading(groups);
  if (first != 0) combined_ = first;
  const std::size_t count = groups.size() - (first == 0 ? 0 : first - 1);
  const std::uint64_t bytes = reduction_.operand.bytes();
  std::byte* together = schedule_.scratch(count * bytes);
  if (count != 0) schedule_.receive(speaker, together, count * bytes);
  for (std::size_t i = 0; i < count; ++i) {
    Block& value = values_[first != 0 && i == 0 ? 0 : groups[groups.size() - count + i]];
    std::byte* from = together + i * bytes;
    value = reduction_.operand;
    value.address = from;
    if (value.direct()) continue;
    value = like(schedule_, reduction_.operand);
    schedule_.then([value, from] { return value.unpack(from); });
  }
}

void Collector::combine_first() {
  if (values_.empty() || values_.begin()->first != 0) return;
  Block& sum = values_.begin()->second;
  for (auto next = values_.find(combined_); next != values_.end(); next = values_.find(++combined_)) {
    combine(schedule_, reduction_.op, sum, next->second);
    sum = next->second;
    values_.erase(next);
  }
}

void Collector::pass_on(int above) {
  if (values_.empty()) return schedule_.wait();
  const std::uint64_t bytes = reduction_.operand.bytes();
  if (values_.size() == 1) {
    send_block(schedule_, above, values_.begin()->second);
    return schedule_.wait();
  }
  std::byte* together = schedule_.scratch(values_.size() * bytes);
  schedule_.then([values = values_, together, bytes] {
    std::byte* next = together;
    for (const auto& [group, value] : values) {
      if (const int error = value.pack(next); error != MPI_SUCCESS) return error;
      next += bytes;
    }
    return MPI_SUCCESS;
  });
  schedule_.send(above, together, values_.size() * bytes);
  schedule_.wait();
}

}  // namespace sluice::interpose
