#include "untrusted/interpose/collective/exchange.hpp"

#include <cstring>
#include <numeric>
#include <utility>

namespace sluice::interpose {

namespace {

/// The rank over which data goes when every rank needs all of it.
constexpr int kMiddle = 0;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

Sizes sizes_of(const Blocks& parts) {
  Sizes sizes;
  for (const Block& part : parts) sizes.push_back(part.bytes());
  return sizes;
}

/// Any two subjects may send to each other.
void exchange_directly(Schedule& schedule, const Blocks& out, const Blocks& in) {
  const int size = schedule.size();
  std::vector<Partner> sources;
  std::vector<Partner> destinations;
  // Each rank begins with another partner.
  for (int i = 1; i < size; ++i) {
    const int from = (schedule.rank() + size - i) % size;
    const int to = (schedule.rank() + i) % size;
    sources.push_back({from, in[at(from)]});
    destinations.push_back({to, out[at(to)]});
  }
  exchange(schedule, sources, destinations);
}

/// The middle's view of an exchange: what everyone sends, and how much of it goes to whom.
struct Middle {
  int size;
  std::uint64_t* matrix;  ///< bytes from each rank (row) to each
  Blocks rows;            ///< what each rank sends, together
};

/// Hands out what has come: each rank gets its column of the matrix.
void scatter_columns(Schedule& schedule, const Middle& middle, const Blocks& in) {
  Sizes from(at(middle.size));  // where in a row the next block begins
  Blocks columns;
  for (int to = 0; to < middle.size; ++to) {
    std::uint64_t bytes = 0;
    for (int rank = 0; rank < middle.size; ++rank) bytes += middle.matrix[at(rank) * at(middle.size) + at(to)];
    std::byte* column = schedule.scratch(bytes);
    columns.push_back(bytes_block(column, bytes));
    for (int rank = 0; column != nullptr && rank < middle.size; ++rank) {
      const std::uint64_t size = middle.matrix[at(rank) * at(middle.size) + at(to)];
      if (size != 0) std::memcpy(column, middle.rows[at(rank)].data() + from[at(rank)], size);
      from[at(rank)] += size;
      column += size;
    }
  }
  if (schedule.failed()) columns.assign(at(middle.size), bytes_block(nullptr, 0));
  if (columns[kMiddle].bytes() == total(in)) {
    schedule.fail(take_apart(in, columns[kMiddle].data()));
  } else {
    schedule.fail(MPI_ERR_COUNT);
  }
  scatter_unknown(schedule, kMiddle, columns, Block{});
}

void run_middle(Schedule& schedule, std::uint64_t* matrix, const Blocks& out, const Blocks& in) {
  schedule.extend([&schedule, matrix, out, in] {
    Middle middle{schedule.size(), matrix, {}};
    const std::size_t entries = matrix == nullptr ? 0 : at(middle.size) * at(middle.size);
    for (std::size_t i = 0; i < entries; ++i) {  // others may say anything
      if (matrix[i] <= wire::kMaxMessageBytes) continue;
      schedule.fail(MPI_ERR_COUNT);
      matrix[i] = 0;
    }
    for (int rank = 0; rank < middle.size; ++rank) {
      const std::uint64_t* row = matrix + at(rank) * at(middle.size);
      const std::uint64_t bytes = matrix == nullptr ? 0 : std::accumulate(row, row + middle.size, std::uint64_t{0});
      middle.rows.push_back(bytes_block(schedule.scratch(bytes), bytes));
    }
    std::byte* own = lay_together(schedule, out);
    if (own != nullptr && !schedule.failed()) schedule.fail(middle.rows[kMiddle].unpack(own));
    gather_unknown(schedule, kMiddle, own, total(out), middle.rows);
    schedule.extend([&schedule, middle, in] { scatter_columns(schedule, middle, in); });
  });
}

/// Some subjects reach each other only through others: everything goes over one rank.
void exchange_through_middle(Schedule& schedule, const Blocks& out, const Blocks& in) {
  const std::size_t size = out.size();
  const std::uint64_t row_bytes = size * sizeof(std::uint64_t);
  const bool here = schedule.rank() == kMiddle;
  auto* matrix = reinterpret_cast<std::uint64_t*>(schedule.zeroed_scratch(row_bytes * (here ? size : 1)));
  for (std::size_t i = 0; matrix != nullptr && i < size; ++i) matrix[i] = out[i].bytes();  // row 0 is the middle's
  Blocks rows;
  for (std::size_t i = 0; here && i < size; ++i) {
    rows.push_back(bytes_block(reinterpret_cast<std::byte*>(matrix + i * size), row_bytes));
  }
  gather(schedule, kMiddle, reinterpret_cast<std::byte*>(matrix), Sizes(size, row_bytes), rows);
  if (here) return run_middle(schedule, matrix, out, in);
  gather_unknown(schedule, kMiddle, lay_together(schedule, out), total(out), {});
  std::byte* together = schedule.scratch(total(in));
  scatter_unknown(schedule, kMiddle, {}, bytes_block(together, total(in)));
  schedule.then([in, together] { return take_apart(in, together); });
}

}  // namespace

void exchange(Schedule& schedule, const std::vector<Partner>& from, const std::vector<Partner>& to) {
  std::vector<std::pair<Block, std::byte*>> staged;
  for (const auto& [rank, block] : from) {
    std::byte* place = block.direct() ? block.data() : schedule.scratch(block.bytes());
    if (!block.direct()) staged.emplace_back(block, place);
    schedule.receive(rank, place, block.bytes());
  }
  for (const auto& [rank, block] : to) schedule.send(rank, packed(schedule, block), block.bytes());
  schedule.wait();
  for (const auto& [block, place] : staged) {
    schedule.then([block = block, place = place] { return block.unpack(place); });
  }
}

void barrier(Schedule& schedule) {
  const std::size_t size = at(schedule.size());
  gather(schedule, kMiddle, nullptr, Sizes(size, 0), Blocks(size));
  broadcast(schedule, kMiddle, nullptr, 0);
}

void allgather(Schedule& schedule, const std::byte* mine, const Blocks& parts) {
  const Sizes sizes = sizes_of(parts);
  const Blocks together = side_by_side(schedule, parts);
  const std::size_t own = at(schedule.rank());
  if (mine == nullptr) mine = packed(schedule, parts[own]);
  if (schedule.rank() == kMiddle && mine != together[own].data() && !schedule.failed()) {
    schedule.fail(together[own].unpack(mine));
  }
  gather(schedule, kMiddle, mine, sizes, together);
  spread(schedule, kMiddle, together, parts);
}

Blocks side_by_side(Schedule& schedule, const Blocks& parts) {
  if (adjacent(parts)) return parts;
  std::byte* next = schedule.scratch(total(parts));
  Blocks together;
  for (const Block& part : parts) {
    together.push_back(bytes_block(next, part.bytes()));
    if (next != nullptr) next += part.bytes();
  }
  return together;
}

void spread(Schedule& schedule, int root, const Blocks& together, const Blocks& parts) {
  std::byte* data = together.front().data();
  broadcast(schedule, root, data, total(parts));
  if (!adjacent(parts)) schedule.then([parts, data] { return take_apart(parts, data); });
}

void alltoall(Schedule& schedule, const Blocks& out, const Blocks& in) {
  const std::size_t own = at(schedule.rank());
  if (!schedule.map().flows().complete()) return exchange_through_middle(schedule, out, in);
  copy_block(schedule, out[own], in[own]);
  exchange_directly(schedule, out, in);
}

void allreduce(Schedule& schedule, const Reduction& reduction, const Block& result) {
  reduce(schedule, kMiddle, reduction, result);
  broadcast(schedule, kMiddle, result);
}

void reduce_scatter(Schedule& schedule, const Reduction& reduction, const std::vector<std::int64_t>& counts,
                    const Block& result) {
  const Block whole = schedule.rank() == kMiddle ? like(schedule, reduction.operand) : Block{};
  reduce(schedule, kMiddle, reduction, whole);
  scatter_parts(schedule, kMiddle, whole, counts, result);
}

void scatter_parts(Schedule& schedule, int root, const Block& whole, const std::vector<std::int64_t>& counts,
                   const Block& result) {
  Sizes sizes;
  for (const std::int64_t count : counts) sizes.push_back(static_cast<std::uint64_t>(count) * result.layout.size);
  if (schedule.rank() != root) return scatter(schedule, root, {}, sizes, result);
  // The whole is there when what was added to the schedule before is complete.
  schedule.extend([&schedule, root, whole, counts, sizes, result] {
    Blocks parts;
    std::int64_t first = 0;
    for (const std::int64_t count : counts) {
      parts.push_back(part_of(whole, first, count));
      first += count;
    }
    if (!schedule.failed()) copy_block(schedule, parts[at(root)], result);
    scatter(schedule, root, parts, sizes, result);
  });
}

}  // namespace sluice::interpose
