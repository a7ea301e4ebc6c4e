#include "untrusted/interpose/collective/short_calls.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "untrusted/interpose/collective/neighbours.hpp"
#include "untrusted/interpose/collective/place.hpp"
#include "untrusted/interpose/collective/short_operation.hpp"
#include "untrusted/interpose/point_to_point/datatype.hpp"

namespace sluice::interpose {

namespace {

/// Bytes that go through memory on the stack.
constexpr std::uint64_t kMost = 4096;
using Buffer = std::array<std::byte, kMost>;

bool has_root(const VirtualComm& comm, int root) { return !comm.is_inter() && root >= 0 && root < comm.size; }

/// Elements that lie in memory as they travel.
struct Bytes {
  std::byte* data = nullptr;
  std::uint64_t count = 0;  ///< 0: they do not, or there are none

  Bytes() = default;
  Bytes(const void* buffer, MPI_Count elements, MPI_Datatype type)
      : data(static_cast<std::byte*>(const_cast<void*>(buffer))) {
    if (buffer == nullptr || buffer == MPI_IN_PLACE || elements <= 0 || type == MPI_DATATYPE_NULL) return;
    const Layout layout = layout_of(type);
    const bool fits = layout.error == MPI_SUCCESS && layout.contiguous && layout.predefined &&
                      static_cast<std::uint64_t>(elements) <= Transfer::kBytes;
    if (fits) count = static_cast<std::uint64_t>(elements) * layout.size;
  }
  [[nodiscard]] std::byte* part(int rank) const { return data + static_cast<std::uint64_t>(rank) * count; }
};

/// What the root of a gather or scatter has of each rank, and what this rank gives or gets.
struct Parts {
  Bytes all;            ///< at the root: the first part
  Bytes mine;           ///< without bytes at a root whose part stays where it is
  std::uint64_t bytes;  ///< of a part
  bool is_root;

  [[nodiscard]] bool good(const VirtualComm& comm, bool stays) const {
    const bool matches = !is_root || stays || mine.count == all.count;
    return matches && bytes != 0 && bytes * static_cast<std::uint64_t>(comm.size) <= kMost;
  }
};

Parts parts_of(const VirtualComm& comm, int root, const Bytes& all, const Bytes& mine) {
  const bool is_root = comm.rank == root;
  return {is_root ? all : Bytes{}, mine, is_root ? all.count : mine.count, is_root};
}

void gather_at_root(ShortOperation& operation, const Place& place, const Parts& parts) {
  Buffer buffer;
  std::byte* next = buffer.data();
  for (const int member : place.members()) {
    if (member != place.root()) operation.receive(member, parts.all.part(member), parts.bytes);
  }
  for (const int subject : place.below()) {
    const std::uint64_t bytes = place.bundle(subject).size() * parts.bytes;
    operation.receive(place.speaker(subject), next, bytes);
    next += bytes;
  }
  operation.run();
  next = buffer.data();
  for (const int subject : place.below()) {
    for (const int rank : place.bundle(subject)) {
      if (!operation.failed()) std::memcpy(parts.all.part(rank), next, parts.bytes);
      next += parts.bytes;
    }
  }
}

void gather_at_leader(ShortOperation& operation, const Place& place, const Parts& parts) {
  Buffer buffer;
  std::memcpy(buffer.data(), parts.mine.data, parts.bytes);  // the leader is the first of its bundle
  std::byte* next = buffer.data() + parts.bytes;
  const auto receive = [&](int rank, std::uint64_t bytes) {
    operation.receive(rank, next, bytes);
    next += bytes;
  };
  for (const int member : place.members()) {
    if (member != operation.among().rank) receive(member, parts.bytes);
  }
  for (const int subject : place.below()) receive(place.speaker(subject), place.bundle(subject).size() * parts.bytes);
  operation.run();
  operation.send(place.above(), buffer.data(), place.bundle().size() * parts.bytes);
  operation.run();
}

void scatter_at_root(ShortOperation& operation, const Place& place, const Parts& parts) {
  Buffer buffer;
  std::byte* next = buffer.data();
  for (const int subject : place.below()) {
    const std::byte* first = next;
    for (const int rank : place.bundle(subject)) {
      std::memcpy(next, parts.all.part(rank), parts.bytes);
      next += parts.bytes;
    }
    operation.send(place.speaker(subject), first, static_cast<std::uint64_t>(next - first));
  }
  for (const int member : place.members()) {
    if (member != place.root()) operation.send(member, parts.all.part(member), parts.bytes);
  }
  operation.run();
}

void scatter_at_leader(ShortOperation& operation, const Place& place, const Parts& parts) {
  Buffer buffer;
  operation.receive(place.above(), buffer.data(), place.bundle().size() * parts.bytes);
  operation.run();
  if (!operation.failed()) std::memcpy(parts.mine.data, buffer.data(), parts.bytes);
  const std::byte* next = buffer.data() + parts.bytes;
  const auto send = [&](int rank, std::uint64_t bytes) {
    operation.send(rank, next, bytes);
    next += bytes;
  };
  for (const int member : place.members()) {
    if (member != operation.among().rank) send(member, parts.bytes);
  }
  for (const int subject : place.below()) send(place.speaker(subject), place.bundle(subject).size() * parts.bytes);
  operation.run();
}

/// Operations that everyone has, and that commute.
bool is_basic(MPI_Op op) {
  const MPI_Op basic[] = {MPI_SUM,  MPI_MAX, MPI_MIN, MPI_PROD, MPI_LAND,
                          MPI_BAND, MPI_LOR, MPI_BOR, MPI_LXOR, MPI_BXOR};
  return std::find(std::begin(basic), std::end(basic), op) != std::end(basic);
}

/// The values of one rank in a reduction.
class Values {
 public:
  Values(ShortOperation& operation, const Bytes& operand, int count, MPI_Datatype type, MPI_Op op)
      : operation_(operation), operand_(operand), count_(count), type_(type), op_(op) {}

  /// Receives the values of others, and combines all that come together here. The result may be the operand itself.
  const std::byte* reduce(const Partners& partners) {
    for (const int rank : partners.inside) operation_.receive(rank, place(), operand_.count);
    std::byte* below = buffer_.data() + next_;
    for (const int rank : partners.below) operation_.receive(rank, place(), operand_.count);
    if (next_ != 0) operation_.run();
    const std::byte* own = inside(partners);
    return partners.below.empty() ? own : all(partners, own, below);
  }

 private:
  /// Memory for one more.
  std::byte* place() {
    next_ += operand_.count;
    return buffer_.data() + (next_ - operand_.count);
  }
  /// `second = first op second`.
  void combine(const std::byte* first, std::byte* second) {
    if (operation_.failed()) return;
    operation_.fail(PMPI_Reduce_local(const_cast<std::byte*>(first), second, count_, type_, op_));
  }
  /// What the partners inside the subject and this rank have together.
  const std::byte* inside(const Partners& partners) {
    const std::byte* value = operand_.data;
    std::byte* next = buffer_.data();
    for (std::size_t i = 0; i < partners.inside.size(); ++i, next += operand_.count) {
      combine(value, next);
      value = next;
    }
    return value;
  }
  /// That with what came from below.
  const std::byte* all(const Partners& partners, const std::byte* own, std::byte* below) {
    const std::byte* sum = nullptr;
    const auto add = [&](std::byte* value) {
      if (sum != nullptr) combine(sum, value);
      sum = value;
    };
    for (std::size_t i = 0; i <= partners.below.size(); ++i) {
      // The first value is only read; another takes the sum.
      if (i == partners.own) add(i == 0 || own != operand_.data ? const_cast<std::byte*>(own) : copy_of(own));
      if (i < partners.below.size()) add(below + i * operand_.count);
    }
    return sum;
  }
  std::byte* copy_of(const std::byte* value) {
    std::byte* copy = place();
    std::memcpy(copy, value, operand_.count);
    return copy;
  }

  ShortOperation& operation_;
  const Bytes& operand_;
  int count_;
  MPI_Datatype type_;
  MPI_Op op_;
  Buffer buffer_;
  std::uint64_t next_ = 0;
};

}  // namespace

std::optional<int> short_bcast(VirtualComm& comm, void* buffer, MPI_Count count, MPI_Datatype type, int root) {
  const Bytes bytes(buffer, count, type);
  if (!has_root(comm, root) || bytes.count == 0 || bytes.count > kMost) return std::nullopt;
  ShortOperation operation(comm, Relation::from_root, root);
  if (!operation.legal()) return std::nullopt;
  operation.join();
  const Neighbours& neighbours = broadcast_neighbours(operation.among(), root);
  if (neighbours.from >= 0) {
    operation.receive(neighbours.from, bytes.data, bytes.count);
    operation.run();
  }
  for (const int to : neighbours.to) operation.send(to, bytes.data, bytes.count);
  if (!neighbours.to.empty()) operation.run();
  return operation.finish();
}

std::optional<int> short_gather(VirtualComm& comm, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                                void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype, int root) {
  if (!has_root(comm, root)) return std::nullopt;
  const bool is_root = comm.rank == root;
  const bool stays = is_root && sendbuf == MPI_IN_PLACE;
  const Parts parts = parts_of(comm, root, is_root ? Bytes(recvbuf, recvcount, recvtype) : Bytes(),
                               Bytes(sendbuf, sendcount, sendtype));
  if (!parts.good(comm, stays)) return std::nullopt;
  ShortOperation operation(comm, Relation::to_root, root);
  if (!operation.legal()) return std::nullopt;
  operation.join();
  const Place place = Place::upwards(operation.among(), root);
  if (is_root) {
    if (!stays) std::memcpy(parts.all.part(root), parts.mine.data, parts.bytes);
    gather_at_root(operation, place, parts);
  } else if (comm.rank == place.speaker()) {
    gather_at_leader(operation, place, parts);
  } else {
    operation.send(place.speaker(), parts.mine.data, parts.bytes);
    operation.run();
  }
  return operation.finish();
}

std::optional<int> short_scatter(VirtualComm& comm, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                                 void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype, int root) {
  if (!has_root(comm, root)) return std::nullopt;
  const bool is_root = comm.rank == root;
  const bool stays = is_root && recvbuf == MPI_IN_PLACE;
  const Parts parts = parts_of(comm, root, is_root ? Bytes(sendbuf, sendcount, sendtype) : Bytes(),
                               Bytes(recvbuf, recvcount, recvtype));
  if (!parts.good(comm, stays)) return std::nullopt;
  ShortOperation operation(comm, Relation::from_root, root);
  if (!operation.legal()) return std::nullopt;
  operation.join();
  const Place place = Place::downwards(operation.among(), root);
  if (is_root) {
    if (!stays) std::memcpy(parts.mine.data, parts.all.part(root), parts.bytes);
    scatter_at_root(operation, place, parts);
  } else if (comm.rank == place.speaker()) {
    scatter_at_leader(operation, place, parts);
  } else {
    operation.receive(place.speaker(), parts.mine.data, parts.bytes);
    operation.run();
  }
  return operation.finish();
}

std::optional<int> short_reduce(VirtualComm& comm, const void* sendbuf, void* recvbuf, MPI_Count count,
                                MPI_Datatype type, MPI_Op op, int root) {
  if (!has_root(comm, root) || !is_basic(op)) return std::nullopt;
  const bool is_root = comm.rank == root;
  const Bytes operand(is_root && sendbuf == MPI_IN_PLACE ? recvbuf : sendbuf, count, type);
  const Bytes result = is_root ? Bytes(recvbuf, count, type) : operand;
  if (operand.count == 0 || result.count == 0) return std::nullopt;
  ShortOperation operation(comm, Relation::to_root, root);
  if (!operation.legal()) return std::nullopt;
  const Partners& partners = reduction_partners(operation.among(), root);
  const std::uint64_t values = partners.inside.size() + partners.below.size() + 1;
  if (!partners.simple || values * operand.count > kMost) return std::nullopt;
  operation.join();
  Values had(operation, operand, static_cast<int>(count), type, op);
  const std::byte* value = had.reduce(partners);
  if (partners.to >= 0) {
    operation.send(partners.to, value, operand.count);
    operation.run();
  } else if (!operation.failed()) {
    std::memmove(result.data, value, operand.count);
  }
  return operation.finish();
}

}  // namespace sluice::interpose
