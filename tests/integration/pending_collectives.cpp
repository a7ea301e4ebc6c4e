// Several collective operations at once, as nonblocking and persistent requests, completed in orders that differ from
// rank to rank, between messages of the program.
//
// usage: pending_collectives two-way|chain
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>
#include <vector>

#include "tests/support/subjects.hpp"

#ifdef OPEN_MPI
#include <mpi-ext.h>
#define MPI_Allreduce_init MPIX_Allreduce_init
#define MPI_Barrier_init MPIX_Barrier_init
#define MPI_Bcast_init MPIX_Bcast_init
#define MPI_Gather_init MPIX_Gather_init
#define MPI_Scan_init MPIX_Scan_init
#endif

namespace sluice::testing {
namespace {

using Word = std::uint64_t;
using Words = std::vector<Word>;
constexpr int kCount = 20000;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

Words input(int rank, int count, Word salt) {
  Words words(at(count));
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = mixed(salt * 7919 + static_cast<Word>(rank), i);
  return words;
}

Words sum(int first, int last, int count, Word salt) {
  Words result(at(count));
  for (int rank = first; rank <= last; ++rank) {
    const Words part = input(rank, count, salt);
    std::transform(part.begin(), part.end(), result.begin(), result.begin(), std::plus<>());
  }
  return result;
}

void add(void* in, void* inout, int* count, MPI_Datatype*) {
  const auto* a = static_cast<const Word*>(in);
  auto* b = static_cast<Word*>(inout);
  // Elements of two words each.
  for (int i = 0; i < 2 * *count; ++i) b[i] += a[i];
}

/// A started operation, and how to see that its result is right.
struct Pending {
  MPI_Request request = MPI_REQUEST_NULL;
  Words send;
  Words receive;
  std::function<Words()> wanted;  ///< in `receive`
};

class Rank {
 public:
  explicit Rank(MPI_Comm handle) : comm(handle) {
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
  }
  MPI_Comm comm;
  int rank = 0;
  int size = 0;
};

void start_bcast(const Rank& me, Pending& pending, int root, Word salt) {
  pending.receive = me.rank == root ? input(root, kCount, salt) : Words(kCount);
  pending.wanted = [=] { return input(root, kCount, salt); };
  CHECK_EQ(MPI_Ibcast(pending.receive.data(), kCount, MPI_UINT64_T, root, me.comm, &pending.request), MPI_SUCCESS);
}

void start_allreduce(const Rank& me, Pending& pending, Word salt) {
  pending.send = input(me.rank, kCount, salt);
  pending.receive.resize(kCount);
  pending.wanted = [=, size = me.size] { return sum(0, size - 1, kCount, salt); };
  CHECK_EQ(MPI_Iallreduce(pending.send.data(), pending.receive.data(), kCount, MPI_UINT64_T, MPI_SUM, me.comm,
                          &pending.request),
           MPI_SUCCESS);
}

/// The program frees operation and datatype at once.
void start_reduce(const Rank& me, Pending& pending, int root, Word salt) {
  MPI_Op op = MPI_OP_NULL;
  MPI_Datatype pair = MPI_DATATYPE_NULL;
  MPI_Op_create(add, 1, &op);
  MPI_Type_contiguous(2, MPI_UINT64_T, &pair);
  MPI_Type_commit(&pair);
  pending.send = input(me.rank, kCount, salt);
  pending.receive.resize(kCount);
  if (me.rank == root) pending.wanted = [=, size = me.size] { return sum(0, size - 1, kCount, salt); };
  CHECK_EQ(
      MPI_Ireduce(pending.send.data(), pending.receive.data(), kCount / 2, pair, op, root, me.comm, &pending.request),
      MPI_SUCCESS);
  CHECK_EQ(MPI_Op_free(&op), MPI_SUCCESS);
  CHECK(op == MPI_OP_NULL);
  CHECK_EQ(MPI_Type_free(&pair), MPI_SUCCESS);
}

void start_gatherv(const Rank& me, Pending& pending, int root, Word salt) {
  std::vector<int> counts, places;
  for (int rank = 0; rank < me.size; ++rank) {
    counts.push_back(rank % 2 == 0 ? rank + 1 : 0);
    places.push_back(rank == 0 ? 0 : places.back() + counts[at(rank - 1)]);
  }
  pending.send = input(me.rank, counts[at(me.rank)], salt);
  pending.receive.resize(at(places.back() + counts.back()));
  if (me.rank == root) {
    pending.wanted = [=] {
      Words all;
      for (std::size_t rank = 0; rank < counts.size(); ++rank) {
        const Words part = input(static_cast<int>(rank), counts[rank], salt);
        all.insert(all.end(), part.begin(), part.end());
      }
      return all;
    };
  }
  CHECK_EQ(MPI_Igatherv(pending.send.data(), counts[at(me.rank)], MPI_UINT64_T, pending.receive.data(), counts.data(),
                        places.data(), MPI_UINT64_T, root, me.comm, &pending.request),
           MPI_SUCCESS);
}

void start_scan(const Rank& me, Pending& pending, Word salt) {
  pending.send = input(me.rank, kCount, salt);
  pending.receive.resize(kCount);
  pending.wanted = [=, rank = me.rank] { return sum(0, rank, kCount, salt); };
  CHECK_EQ(
      MPI_Iscan(pending.send.data(), pending.receive.data(), kCount, MPI_UINT64_T, MPI_SUM, me.comm, &pending.request),
      MPI_SUCCESS);
}

void start_alltoall(const Rank& me, Pending& pending, Word salt) {
  pending.send = input(me.rank, me.size, salt);
  pending.receive.resize(at(me.size));
  pending.wanted = [=, rank = me.rank, size = me.size] {
    Words all;
    for (int other = 0; other < size; ++other) all.push_back(input(other, size, salt)[at(rank)]);
    return all;
  };
  CHECK_EQ(MPI_Ialltoall(pending.send.data(), 1, MPI_UINT64_T, pending.receive.data(), 1, MPI_UINT64_T, me.comm,
                         &pending.request),
           MPI_SUCCESS);
}

void check_all(std::vector<Pending>& all) {
  for (const Pending& pending : all) {
    CHECK(pending.request == MPI_REQUEST_NULL);
    if (pending.wanted) CHECK(pending.receive == pending.wanted());
  }
}

/// Completes all requests in a way that depends on the rank.
void complete(const Rank& me, std::vector<Pending>& all) {
  std::vector<MPI_Request> requests;
  for (const Pending& pending : all) requests.push_back(pending.request);
  const int count = static_cast<int>(requests.size());
  if (me.rank % 4 == 0) {
    CHECK_EQ(MPI_Waitall(count, requests.data(), MPI_STATUSES_IGNORE), MPI_SUCCESS);
  } else if (me.rank % 4 == 1) {
    for (int i = count - 1; i >= 0; --i) CHECK_EQ(MPI_Wait(&requests[at(i)], MPI_STATUS_IGNORE), MPI_SUCCESS);
  } else if (me.rank % 4 == 2) {
    for (int left = count; left > 0; --left) {
      int index = -1;
      CHECK_EQ(MPI_Waitany(count, requests.data(), &index, MPI_STATUS_IGNORE), MPI_SUCCESS);
      CHECK(index >= 0 && index < count);
    }
  } else {
    int flag = 0;
    while (flag == 0) CHECK_EQ(MPI_Testall(count, requests.data(), &flag, MPI_STATUSES_IGNORE), MPI_SUCCESS);
  }
  for (std::size_t i = 0; i < all.size(); ++i) all[i].request = requests[i];
  check_all(all);
}

/// Messages of the program meanwhile: round the communicator, received from anyone.
void pass_on(const Rank& me, int tag) {
  int token = -1;
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(MPI_Irecv(&token, 1, MPI_INT, MPI_ANY_SOURCE, tag, me.comm, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Send(&me.rank, 1, MPI_INT, (me.rank + 1) % me.size, tag, me.comm), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(token, (me.rank + me.size - 1) % me.size);
}

void several_at_once(const Rank& me) {
  for (int round = 0; round < 10; ++round) {
    const Word salt = 100 * static_cast<Word>(round);
    std::vector<Pending> all(9);
    start_bcast(me, all[0], round % me.size, salt + 1);
    start_allreduce(me, all[1], salt + 2);
    start_gatherv(me, all[2], (round + 1) % me.size, salt + 3);
    start_reduce(me, all[3], (round + 2) % me.size, salt + 4);
    pass_on(me, round);
    start_scan(me, all[4], salt + 5);
    start_alltoall(me, all[5], salt + 6);
    CHECK_EQ(MPI_Ibarrier(me.comm, &all[6].request), MPI_SUCCESS);
    start_bcast(me, all[7], (round + 3) % me.size, salt + 7);
    start_allreduce(me, all[8], salt + 8);
    complete(me, all);
  }
}

/// A nonblocking and a blocking operation between each other.
void blocking_meanwhile(const Rank& me) {
  std::vector<Pending> all(1);
  start_allreduce(me, all[0], 3000);
  CHECK_EQ(MPI_Barrier(me.comm), MPI_SUCCESS);
  Word value = me.rank == 0 ? 17 : 0;
  CHECK_EQ(MPI_Bcast(&value, 1, MPI_UINT64_T, 0, me.comm), MPI_SUCCESS);
  CHECK_EQ(value, 17U);
  complete(me, all);
}

/// The program frees the communicator while an operation goes on.
void freed_communicator(const Rank& me) {
  MPI_Comm copy = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_dup(me.comm, &copy), MPI_SUCCESS);
  MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN);
  std::vector<Pending> all(2);
  start_allreduce(Rank(copy), all[0], 4000);
  start_bcast(Rank(copy), all[1], me.size - 1, 4001);
  CHECK_EQ(MPI_Comm_free(&copy), MPI_SUCCESS);
  complete(me, all);
}

/// Persistent requests, started in another order at every other rank.
void persistent(const Rank& me) {
  Words bcast(kCount), send(kCount), total(kCount), prefix(kCount), parts(at(me.size));
  MPI_Request requests[5];
  MPI_Bcast_init(bcast.data(), kCount, MPI_UINT64_T, 0, me.comm, MPI_INFO_NULL, &requests[0]);
  MPI_Allreduce_init(send.data(), total.data(), kCount, MPI_UINT64_T, MPI_SUM, me.comm, MPI_INFO_NULL, &requests[1]);
  MPI_Scan_init(send.data(), prefix.data(), kCount, MPI_UINT64_T, MPI_SUM, me.comm, MPI_INFO_NULL, &requests[2]);
  MPI_Gather_init(send.data(), 1, MPI_UINT64_T, parts.data(), 1, MPI_UINT64_T, 0, me.comm, MPI_INFO_NULL, &requests[3]);
  MPI_Barrier_init(me.comm, MPI_INFO_NULL, &requests[4]);
  for (Word round = 0; round < 5; ++round) {
    const Word salt = 5000 + round;
    const Words from_root = me.rank == 0 ? input(0, kCount, salt) : Words(kCount);
    const Words mine = input(me.rank, kCount, salt);
    std::copy(from_root.begin(), from_root.end(), bcast.begin());  // the requests know the buffers by address
    std::copy(mine.begin(), mine.end(), send.begin());
    if (me.rank % 2 == 0) {
      CHECK_EQ(MPI_Startall(5, requests), MPI_SUCCESS);
    } else {
      for (int i = 4; i >= 0; --i) CHECK_EQ(MPI_Start(&requests[i]), MPI_SUCCESS);
    }
    CHECK_EQ(MPI_Waitall(5, requests, MPI_STATUSES_IGNORE), MPI_SUCCESS);
    CHECK(bcast == input(0, kCount, salt));
    CHECK(total == sum(0, me.size - 1, kCount, salt));
    CHECK(prefix == sum(0, me.rank, kCount, salt));
    for (int rank = 0; me.rank == 0 && rank < me.size; ++rank) {
      CHECK_EQ(parts[at(rank)], input(rank, 1, salt)[0]);
    }
  }
  for (MPI_Request& request : requests) {
    CHECK(request != MPI_REQUEST_NULL);
    CHECK_EQ(MPI_Request_free(&request), MPI_SUCCESS);
  }
}

/// A ring of all ranks, in both directions, blocking and not.
void neighbours(const Rank& me) {
  MPI_Comm ring = MPI_COMM_NULL;
  const int periodic = 1;
  CHECK_EQ(MPI_Cart_create(me.comm, 1, &me.size, &periodic, 0, &ring), MPI_SUCCESS);
  const int below = (me.rank + me.size - 1) % me.size, above = (me.rank + 1) % me.size;
  const Word both[] = {static_cast<Word>(100 * me.rank), static_cast<Word>(100 * me.rank + 1)};
  const Words wanted = {static_cast<Word>(100 * below + 1), static_cast<Word>(100 * above)};
  Words got(2), later(2), same(2);
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(MPI_Ineighbor_alltoall(both, 1, MPI_UINT64_T, later.data(), 1, MPI_UINT64_T, ring, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Neighbor_alltoall(both, 1, MPI_UINT64_T, got.data(), 1, MPI_UINT64_T, ring), MPI_SUCCESS);
  CHECK_EQ(MPI_Neighbor_allgather(both, 1, MPI_UINT64_T, same.data(), 1, MPI_UINT64_T, ring), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK(got == wanted);
  CHECK(later == wanted);
  CHECK(same == Words({static_cast<Word>(100 * below), static_cast<Word>(100 * above)}));
  MPI_Comm_free(&ring);
}

/// Along edges that climb. Where `closed`, also from the last rank to the first: these two refuse, and who waits for
/// the first one is told. Twice, as the next operation must not take what the one before has sent.
void neighbours_upwards(const Rank& me, bool closed) {
  MPI_Comm line = MPI_COMM_NULL;
  const int below = (me.rank + me.size - 1) % me.size, above = (me.rank + 1) % me.size, weight = 1;
  const bool first = me.rank == 0, last = me.rank == me.size - 1;
  CHECK_EQ(MPI_Dist_graph_create_adjacent(me.comm, closed || !first ? 1 : 0, &below, &weight, closed || !last ? 1 : 0,
                                          &above, &weight, MPI_INFO_NULL, 0, &line),
           MPI_SUCCESS);
  for (Word salt = 1; salt < 3; ++salt) {
    const Word mine = static_cast<Word>(me.rank) + 10 * salt;
    Words got(1);
    const int code = MPI_Neighbor_alltoall(&mine, 1, MPI_UINT64_T, got.data(), 1, MPI_UINT64_T, line);
    if (closed && (first || last)) {
      CHECK_EQ(error_class(code), MPIX_ERR_FLOW);
    } else if (closed && me.rank == 1) {
      CHECK_EQ(error_class(code), MPIX_ERR_ENDED);
    } else {
      CHECK_EQ(code, MPI_SUCCESS);
      CHECK_EQ(got[0], first ? 0 : mine - 1);
    }
  }
  CHECK_EQ(MPI_Comm_free(&line), MPI_SUCCESS);
}

/// Only upwards: many operations under way, of which the lowest subject waits for none above.
void upwards(const Rank& me) {
  for (int round = 0; round < 10; ++round) {
    const Word salt = 6000 + 10 * static_cast<Word>(round);
    std::vector<Pending> all(4);
    start_bcast(me, all[0], 0, salt + 1);
    start_gatherv(me, all[1], me.size - 1, salt + 2);
    start_scan(me, all[2], salt + 3);
    start_reduce(me, all[3], me.size - 1, salt + 4);
    complete(me, all);
  }
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(error_class(MPI_Ibarrier(me.comm, &request)), MPIX_ERR_FLOW);
  CHECK(request == MPI_REQUEST_NULL);
  CHECK_EQ(error_class(MPI_Barrier_init(me.comm, MPI_INFO_NULL, &request)), MPIX_ERR_FLOW);
}

/// The root's subject ends without taking part: everybody who needs its data gets an error, also over others.
void root_has_ended(const Job& job) {
  if (job.is("low")) return;
  Words words(kCount);
  CHECK_EQ(error_class(MPI_Bcast(words.data(), kCount, MPI_UINT64_T, 0, MPI_COMM_WORLD)), MPIX_ERR_ENDED);
  std::vector<int> counts(at(job.size()), 1), places(at(job.size()));
  CHECK_EQ(error_class(MPI_Scatterv(nullptr, counts.data(), places.data(), MPI_UINT64_T, words.data(), 1, MPI_UINT64_T,
                                    0, MPI_COMM_WORLD)),
           MPIX_ERR_ENDED);
  const int last = job.size() - 1;
  Words all(at(job.size()));
  const int code = MPI_Gatherv(words.data(), 1, MPI_UINT64_T, all.data(), counts.data(), places.data(), MPI_UINT64_T,
                               last, MPI_COMM_WORLD);
  if (job.rank() == last) CHECK_EQ(error_class(code), MPIX_ERR_ENDED);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv, 50);
  const Rank world(MPI_COMM_WORLD);
  const bool chain = argc > 1 && std::strcmp(argv[1], "chain") == 0;
  const std::pair<const char*, void (*)(const Rank&)> cases[] = {
      {"several_at_once", several_at_once},
      {"blocking_meanwhile", blocking_meanwhile},
      {"freed_communicator", freed_communicator},
      {"persistent", persistent},
      {"neighbours", neighbours},
  };
  for (const auto& [name, run] : cases) {
    if (chain) break;
    Verdict::get().begin(name);
    run(world);
  }
  Verdict::get().begin("upwards");
  if (chain) upwards(world);
  if (chain) neighbours_upwards(world, false);
  if (chain) neighbours_upwards(world, true);
  Verdict::get().begin("root_has_ended");
  if (chain) root_has_ended(job);
  return Job::finish();
}
