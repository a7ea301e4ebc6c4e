// Every collective operation, every root: where the policy lets its data flow, the result is that of a serial model;
// elsewhere every rank gets MPIX_ERR_FLOW with the same text.
//
// usage: collectives
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

using Word = std::uint64_t;
using Words = std::vector<Word>;
constexpr Word kUntouched = 0x5a5a5a5a5a5a5a5aU;

enum class Relation { from_root, to_root, everyone, ascending };

std::size_t at(int i) { return static_cast<std::size_t>(i); }

Words filled(int count, Word value = kUntouched) { return Words(at(count), value); }

/// What `rank` contributes.
Words input(int rank, int count, Word salt) {
  Words words(at(count));
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = mixed(salt * 1000003 + static_cast<Word>(rank), i);
  return words;
}

/// Affine maps modulo a prime, which do not commute: x -> a*x + b, as pairs.
constexpr Word kPrime = 4294967291U;
Words after_map(const Words& first, const Words& second) {
  Words result(first.size());
  for (std::size_t i = 0; i + 1 < first.size(); i += 2) {
    result[i] = first[i] % kPrime * (second[i] % kPrime) % kPrime;
    result[i + 1] = (first[i + 1] % kPrime * (second[i] % kPrime) % kPrime + second[i + 1] % kPrime) % kPrime;
  }
  return result;
}

void compose_maps(void* first, void* second, int* count, MPI_Datatype*) {
  const auto* a = static_cast<const Word*>(first);
  auto* b = static_cast<Word*>(second);
  const std::size_t words = 2 * at(*count);
  const Words result = after_map(Words(a, a + words), Words(b, b + words));
  std::copy(result.begin(), result.end(), b);
}

/// An operation in MPI, and as the model knows it.
struct Operation {
  const char* name;
  MPI_Op op;
  MPI_Datatype type;
  int words;  ///< in an element
  Words (*combine)(const Words&, const Words&);
};

Words sum_of(const Words& a, const Words& b) {
  Words result(a.size());
  std::transform(a.begin(), a.end(), b.begin(), result.begin(), std::plus<>());
  return result;
}

/// A communicator and what may flow in it, by brute force.
class World {
 public:
  explicit World(MPI_Comm handle) : comm(handle) {
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    reaches.assign(at(size), std::vector<bool>(at(size)));
    MPI_Group members, everyone;
    MPI_Comm_group(comm, &members);
    MPI_Comm_group(MPI_COMM_WORLD, &everyone);
    for (int r = 0; r < size; ++r) {
      int subject = -1;
      int world = -1;
      MPI_Group_translate_ranks(members, 1, &r, everyone, &world);
      MPIX_Subject_of_rank(world, &subject);
      subjects.push_back(subject);
    }
    MPI_Group_free(&members);
    MPI_Group_free(&everyone);
    close();
  }

  [[nodiscard]] bool legal(Relation relation, int root) const {
    for (int from = 0; from < size; ++from) {
      for (int to = 0; to < size; ++to) {
        const bool contributes = relation == Relation::from_root   ? from == root
                                 : relation == Relation::to_root   ? to == root
                                 : relation == Relation::ascending ? from < to
                                                                   : true;
        if (contributes && !reaches[at(from)][at(to)]) return false;
      }
    }
    return true;
  }

  MPI_Comm comm;
  int rank = -1;
  int size = 0;
  std::vector<int> subjects;
  std::vector<std::vector<bool>> reaches;  ///< by rank

 private:
  void close() {
    for (int from = 0; from < size; ++from) {
      for (int to = 0; to < size; ++to) {
        int allowed = 0;
        MPIX_Flow_allowed(subjects[at(from)], subjects[at(to)], &allowed);
        reaches[at(from)][at(to)] = allowed != 0;
      }
    }
    for (int via = 0; via < size; ++via) {
      for (int from = 0; from < size; ++from) {
        for (int to = 0; to < size; ++to) {
          if (reaches[at(from)][at(via)] && reaches[at(via)][at(to)]) reaches[at(from)][at(to)] = true;
        }
      }
    }
  }
};

class Collectives {
 public:
  explicit Collectives(World world) : w(std::move(world)) {
    MPI_Type_contiguous(2, MPI_UINT64_T, &pair_);
    MPI_Type_commit(&pair_);
    MPI_Op_create(compose_maps, 0, &maps_);
    // Two words with a gap before, between and after them.
    const int lengths[] = {1, 1};
    const MPI_Aint places[] = {8, 24};
    const MPI_Datatype types[] = {MPI_UINT64_T, MPI_UINT64_T};
    MPI_Datatype gaps = MPI_DATATYPE_NULL;
    MPI_Type_create_struct(2, lengths, places, types, &gaps);
    MPI_Type_create_resized(gaps, 0, 40, &gappy_);
    MPI_Type_commit(&gappy_);
    MPI_Type_free(&gaps);
    MPI_Op_create(compose_gappy, 0, &gappy_maps_);
  }

  void all(int count) {
    count_ = count;
    barrier();
    for (int root = 0; root < w.size; ++root) {
      bcast(root);
      gather(root, false);
      gather(root, true);
      gatherv(root);
      scatter(root, false);
      scatter(root, true);
      scatterv(root);
      for (const Operation& operation : operations()) {
        reduce(root, operation, false);
        reduce(root, operation, true);
      }
    }
    for (const bool in_place : {false, true}) {
      allgather(in_place);
      allgatherv(in_place);
      alltoall(in_place);
      alltoallv();
      alltoallw();
      for (const Operation& operation : operations()) {
        allreduce(operation, in_place);
        reduce_scatter(operation, in_place);
        reduce_scatter_block(operation, in_place);
        scan(operation, in_place);
        exscan(operation, in_place);
      }
    }
  }

  /// Datatypes with gaps on one side or both, and operations on them.
  void derived(int count) {
    count_ = 2 * count;
    for (int root = 0; root < w.size; ++root) {
      derived_bcast(root, count);
      derived_gather(root, count);
      derived_scatter(root, count);
      derived_reduce(root, count);
    }
    derived_allgather(count);
    derived_alltoall(count);
    derived_scan(count);
  }

 private:
  /// Whether there is a result to look at.
  bool expect(int code, Relation relation, int root, const char* name) {
    const bool legal = w.legal(relation, root);
    if (legal) return CHECK_EQ(code, MPI_SUCCESS);
    const std::string text = error_text(code);
    if (!CHECK_EQ(error_class(code), MPIX_ERR_FLOW)) std::fprintf(stderr, "%s: %s\n", name, text.c_str());
    CHECK(text.find(name) != std::string::npos && text.find(" may not send to ") != std::string::npos);
    std::printf("VERDICT %s root %d: %s\n", name, root, text.c_str());
    return false;
  }

  Words mine(Word salt) const { return input(w.rank, count_, salt); }

  std::vector<Operation> operations() const {
    return {{"sum", MPI_SUM, MPI_UINT64_T, 1, sum_of}, {"maps", maps_, pair_, 2, after_map}};
  }

  /// Operands of the ranks [first, last] combined from left to right.
  Words combined(const Operation& operation, int first, int last, int words, Word salt) const {
    Words result = input(first, words, salt);
    for (int rank = first + 1; rank <= last; ++rank) {
      result = operation.combine(result, input(rank, words, salt));
    }
    // A composed map is kept modulo the prime; a lone operand is what it is.
    return result;
  }

  void barrier() { expect(MPI_Barrier(w.comm), Relation::everyone, 0, "MPI_Barrier"); }

  void bcast(int root) {
    Words buffer = w.rank == root ? mine(1) : filled(count_);
    if (!expect(MPI_Bcast(buffer.data(), count_, MPI_UINT64_T, root, w.comm), Relation::from_root, root, "MPI_Bcast"))
      return;
    CHECK(buffer == input(root, count_, 1));
  }

  Words everybodys(Word salt) const {
    Words all;
    for (int rank = 0; rank < w.size; ++rank) {
      const Words part = input(rank, count_, salt);
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }

  void gather(int root, bool in_place) {
    const Words send = mine(2);
    Words all = filled(w.rank == root ? count_ * w.size : 0);
    const bool stays = in_place && w.rank == root;
    if (stays) std::copy(send.begin(), send.end(), all.begin() + root * count_);
    const int code = MPI_Gather(stays ? MPI_IN_PLACE : send.data(), count_, MPI_UINT64_T, all.data(), count_,
                                MPI_UINT64_T, root, w.comm);
    if (!expect(code, Relation::to_root, root, "MPI_Gather") || w.rank != root) return;
    CHECK(all == everybodys(2));
  }

  /// Counts that differ, with a rank that has none, and places in reverse order with gaps.
  int part(int rank) const { return rank % 3 == 1 ? 0 : count_ + rank; }
  int place(int rank) const {
    int place = 1;
    for (int other = w.size - 1; other > rank; --other) place += part(other) + 1;
    return place;
  }
  std::vector<int> parts() const {
    std::vector<int> counts;
    for (int rank = 0; rank < w.size; ++rank) counts.push_back(part(rank));
    return counts;
  }
  std::vector<int> places() const {
    std::vector<int> all;
    for (int rank = 0; rank < w.size; ++rank) all.push_back(place(rank));
    return all;
  }
  Words laid_out(Word salt) const {
    Words all = filled(place(-1));
    for (int rank = 0; rank < w.size; ++rank) {
      const Words words = input(rank, part(rank), salt);
      std::copy(words.begin(), words.end(), all.begin() + place(rank));
    }
    return all;
  }

  void gatherv(int root) {
    const Words send = input(w.rank, part(w.rank), 3);
    Words all = filled(w.rank == root ? place(-1) : 0);
    const std::vector<int> counts = parts();
    const std::vector<int> displacements = places();
    const int code = MPI_Gatherv(send.data(), part(w.rank), MPI_UINT64_T, all.data(), counts.data(),
                                 displacements.data(), MPI_UINT64_T, root, w.comm);
    if (!expect(code, Relation::to_root, root, "MPI_Gatherv") || w.rank != root) return;
    CHECK(all == laid_out(3));
  }

  void scatter(int root, bool in_place) {
    const Words all = w.rank == root ? everybodys(4) : Words{};
    Words part = filled(count_);
    const bool stays = in_place && w.rank == root;
    const int code = MPI_Scatter(all.data(), count_, MPI_UINT64_T, stays ? MPI_IN_PLACE : part.data(), count_,
                                 MPI_UINT64_T, root, w.comm);
    if (!expect(code, Relation::from_root, root, "MPI_Scatter")) return;
    CHECK(part == (stays ? filled(count_) : mine(4)));
  }

  void scatterv(int root) {
    const Words all = w.rank == root ? laid_out(5) : Words{};
    Words own = filled(part(w.rank));
    const std::vector<int> counts = parts();
    const std::vector<int> displacements = places();
    const int code = MPI_Scatterv(all.data(), counts.data(), displacements.data(), MPI_UINT64_T, own.data(),
                                  part(w.rank), MPI_UINT64_T, root, w.comm);
    if (!expect(code, Relation::from_root, root, "MPI_Scatterv")) return;
    CHECK(own == input(w.rank, part(w.rank), 5));
  }

  void allgather(bool in_place) {
    const Words send = mine(6);
    Words all = filled(count_ * w.size);
    if (in_place) std::copy(send.begin(), send.end(), all.begin() + w.rank * count_);
    const int code = MPI_Allgather(in_place ? MPI_IN_PLACE : send.data(), count_, MPI_UINT64_T, all.data(), count_,
                                   MPI_UINT64_T, w.comm);
    if (expect(code, Relation::everyone, 0, "MPI_Allgather")) CHECK(all == everybodys(6));
  }

  void allgatherv(bool in_place) {
    const Words send = input(w.rank, part(w.rank), 7);
    Words all = filled(place(-1));
    if (in_place) std::copy(send.begin(), send.end(), all.begin() + place(w.rank));
    const std::vector<int> counts = parts();
    const std::vector<int> displacements = places();
    const int code = MPI_Allgatherv(in_place ? MPI_IN_PLACE : send.data(), part(w.rank), MPI_UINT64_T, all.data(),
                                    counts.data(), displacements.data(), MPI_UINT64_T, w.comm);
    if (expect(code, Relation::everyone, 0, "MPI_Allgatherv")) CHECK(all == laid_out(7));
  }

  /// What `from` sends to `to`.
  static Words between(int from, int to, int count, Word salt) { return input(from * 1000 + to, count, salt); }

  void alltoall(bool in_place) {
    Words out, wanted;
    for (int other = 0; other < w.size; ++other) {
      const Words goes = between(w.rank, other, count_, 8);
      const Words comes = between(other, w.rank, count_, 8);
      out.insert(out.end(), goes.begin(), goes.end());
      wanted.insert(wanted.end(), comes.begin(), comes.end());
    }
    Words in = in_place ? out : filled(count_ * w.size);
    const int code = MPI_Alltoall(in_place ? MPI_IN_PLACE : out.data(), count_, MPI_UINT64_T, in.data(), count_,
                                  MPI_UINT64_T, w.comm);
    if (expect(code, Relation::everyone, 0, "MPI_Alltoall")) CHECK(in == wanted);
  }

  /// Words from one rank to another: all different, some none.
  int pair_count(int from, int to) const { return (from + 2 * to) % 4 == 0 ? 0 : count_ / w.size + from + 2 * to; }

  void pairwise(std::vector<int>& outs, std::vector<int>& ins, Words& out, Words& wanted, Word salt) const {
    for (int other = 0; other < w.size; ++other) {
      outs.push_back(pair_count(w.rank, other));
      ins.push_back(pair_count(other, w.rank));
      const Words goes = between(w.rank, other, outs.back(), salt);
      const Words comes = between(other, w.rank, ins.back(), salt);
      out.insert(out.end(), goes.begin(), goes.end());
      wanted.insert(wanted.end(), comes.begin(), comes.end());
    }
  }
  static std::vector<int> starts(const std::vector<int>& counts, int unit) {
    std::vector<int> places;
    int next = 0;
    for (const int count : counts) {
      places.push_back(next * unit);
      next += count;
    }
    return places;
  }

  void alltoallv() {
    std::vector<int> outs, ins;
    Words out, wanted;
    pairwise(outs, ins, out, wanted, 9);
    Words in = filled(static_cast<int>(wanted.size()));
    const std::vector<int> from = starts(outs, 1), to = starts(ins, 1);
    const int code = MPI_Alltoallv(out.data(), outs.data(), from.data(), MPI_UINT64_T, in.data(), ins.data(), to.data(),
                                   MPI_UINT64_T, w.comm);
    if (expect(code, Relation::everyone, 0, "MPI_Alltoallv")) CHECK(in == wanted);
  }

  void alltoallw() {
    std::vector<int> outs, ins;
    Words out, wanted;
    pairwise(outs, ins, out, wanted, 10);
    Words in = filled(static_cast<int>(wanted.size()));
    const std::vector<int> from = starts(outs, 8), to = starts(ins, 8);
    const std::vector<MPI_Datatype> types(at(w.size), MPI_UINT64_T);
    const int code = MPI_Alltoallw(out.data(), outs.data(), from.data(), types.data(), in.data(), ins.data(), to.data(),
                                   types.data(), w.comm);
    if (expect(code, Relation::everyone, 0, "MPI_Alltoallw")) CHECK(in == wanted);
  }

  void reduce(int root, const Operation& operation, bool in_place) {
    const int words = count_ * operation.words;
    const Words send = input(w.rank, words, 11);
    Words kept = send;
    Words result = filled(words);
    const bool stays = in_place && w.rank == root;
    const int code = MPI_Reduce(stays ? MPI_IN_PLACE : send.data(), stays ? kept.data() : result.data(), count_,
                                operation.type, operation.op, root, w.comm);
    const bool legal = expect(code, Relation::to_root, root, "MPI_Reduce");
    CHECK(send == input(w.rank, words, 11));
    if (!legal || w.rank != root) return;
    CHECK((stays ? kept : result) == combined(operation, 0, w.size - 1, words, 11));
  }

  void allreduce(const Operation& operation, bool in_place) {
    const int words = count_ * operation.words;
    const Words send = input(w.rank, words, 12);
    Words result = in_place ? send : filled(words);
    const int code = MPI_Allreduce(in_place ? MPI_IN_PLACE : send.data(), result.data(), count_, operation.type,
                                   operation.op, w.comm);
    if (!expect(code, Relation::everyone, 0, "MPI_Allreduce")) return;
    CHECK(result == combined(operation, 0, w.size - 1, words, 12));
  }

  void reduce_scatter(const Operation& operation, bool in_place) {
    std::vector<int> counts;
    for (int rank = 0; rank < w.size; ++rank) counts.push_back(rank % 3 == 1 ? 0 : count_ / w.size + rank);
    const std::vector<int> first = starts(counts, operation.words);
    const int words = std::accumulate(counts.begin(), counts.end(), 0) * operation.words;
    const Words send = input(w.rank, words, 13);
    Words result = in_place ? send : filled(counts[at(w.rank)] * operation.words);
    const int code = MPI_Reduce_scatter(in_place ? MPI_IN_PLACE : send.data(), result.data(), counts.data(),
                                        operation.type, operation.op, w.comm);
    if (!expect(code, Relation::everyone, 0, "MPI_Reduce_scatter")) return;
    const Words whole = combined(operation, 0, w.size - 1, words, 13);
    const auto begin = whole.begin() + first[at(w.rank)];
    result.resize(at(counts[at(w.rank)] * operation.words));
    CHECK(result == Words(begin, begin + counts[at(w.rank)] * operation.words));
  }

  void reduce_scatter_block(const Operation& operation, bool in_place) {
    const int block = count_ * operation.words;
    const Words send = input(w.rank, block * w.size, 14);
    Words result = in_place ? send : filled(block);
    const int code = MPI_Reduce_scatter_block(in_place ? MPI_IN_PLACE : send.data(), result.data(), count_,
                                              operation.type, operation.op, w.comm);
    if (!expect(code, Relation::everyone, 0, "MPI_Reduce_scatter_block")) return;
    const Words whole = combined(operation, 0, w.size - 1, block * w.size, 14);
    result.resize(at(block));
    CHECK(result == Words(whole.begin() + w.rank * block, whole.begin() + (w.rank + 1) * block));
  }

  void scan(const Operation& operation, bool in_place) {
    const int words = count_ * operation.words;
    const Words send = input(w.rank, words, 15);
    Words result = in_place ? send : filled(words);
    const int code =
        MPI_Scan(in_place ? MPI_IN_PLACE : send.data(), result.data(), count_, operation.type, operation.op, w.comm);
    if (expect(code, Relation::ascending, 0, "MPI_Scan")) CHECK(result == combined(operation, 0, w.rank, words, 15));
  }

  void exscan(const Operation& operation, bool in_place) {
    const int words = count_ * operation.words;
    const Words send = input(w.rank, words, 16);
    Words result = in_place ? send : filled(words);
    const int code =
        MPI_Exscan(in_place ? MPI_IN_PLACE : send.data(), result.data(), count_, operation.type, operation.op, w.comm);
    if (!expect(code, Relation::ascending, 0, "MPI_Exscan") || w.rank == 0) return;
    CHECK(result == combined(operation, 0, w.rank - 1, words, 16));
  }

  // With gaps: an element is five words, of which the second and the fourth count.
  static Words spread(const Words& words) {
    Words gappy;
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
      gappy.insert(gappy.end(), {kUntouched, words[i], kUntouched, words[i + 1], kUntouched});
    }
    return gappy;
  }
  static Words spread(int count) { return filled(5 * count); }

  static void compose_gappy(void* first, void* second, int* count, MPI_Datatype*) {
    const auto* a = static_cast<const Word*>(first);
    auto* b = static_cast<Word*>(second);
    for (int i = 0; i < *count; ++i, a += 5, b += 5) {
      const Words map = after_map({a[1], a[3]}, {b[1], b[3]});
      b[1] = map[0];
      b[3] = map[1];
    }
  }

  void derived_bcast(int root, int count) {
    // Gaps at the root and at odd ranks, none elsewhere: the signature counts.
    const bool gaps = w.rank == root || w.rank % 2 == 1;
    Words buffer = gaps ? (w.rank == root ? spread(mine(20)) : spread(count)) : filled(2 * count);
    const int code = MPI_Bcast(buffer.data(), gaps ? count : 2 * count, gaps ? gappy_ : MPI_UINT64_T, root, w.comm);
    if (!expect(code, Relation::from_root, root, "MPI_Bcast")) return;
    const Words wanted = input(root, 2 * count, 20);
    CHECK(buffer == (gaps ? spread(wanted) : wanted));
  }

  void derived_gather(int root, int count) {
    const Words send = mine(21);
    Words all = spread(w.rank == root ? count * w.size : 0);
    const int code = MPI_Gather(send.data(), 2 * count, MPI_UINT64_T, all.data(), count, gappy_, root, w.comm);
    if (expect(code, Relation::to_root, root, "MPI_Gather") && w.rank == root) CHECK(all == spread(everybodys(21)));
  }

  void derived_scatter(int root, int count) {
    const Words all = w.rank == root ? spread(everybodys(22)) : Words{};
    Words part = spread(count);
    const int code = MPI_Scatter(all.data(), count, gappy_, part.data(), count, gappy_, root, w.comm);
    if (expect(code, Relation::from_root, root, "MPI_Scatter")) CHECK(part == spread(mine(22)));
  }

  void derived_reduce(int root, int count) {
    const Words send = spread(mine(23));
    Words result = spread(count);
    const int code = MPI_Reduce(send.data(), result.data(), count, gappy_, gappy_maps_, root, w.comm);
    if (!expect(code, Relation::to_root, root, "MPI_Reduce") || w.rank != root) return;
    CHECK(result == spread(combined(operations()[1], 0, w.size - 1, 2 * count, 23)));
  }

  void derived_allgather(int count) {
    const Words send = spread(mine(24));
    Words all = spread(count * w.size);
    const int code = MPI_Allgather(send.data(), count, gappy_, all.data(), count, gappy_, w.comm);
    if (expect(code, Relation::everyone, 0, "MPI_Allgather")) CHECK(all == spread(everybodys(24)));
  }

  void derived_alltoall(int count) {
    Words out, wanted;
    for (int other = 0; other < w.size; ++other) {
      const Words goes = between(w.rank, other, 2 * count, 25);
      const Words comes = between(other, w.rank, 2 * count, 25);
      out.insert(out.end(), goes.begin(), goes.end());
      wanted.insert(wanted.end(), comes.begin(), comes.end());
    }
    Words in = spread(count * w.size);
    const int code = MPI_Alltoall(out.data(), 2 * count, MPI_UINT64_T, in.data(), count, gappy_, w.comm);
    if (expect(code, Relation::everyone, 0, "MPI_Alltoall")) CHECK(in == spread(wanted));
  }

  void derived_scan(int count) {
    const Words send = spread(mine(26));
    Words result = spread(count);
    const int code = MPI_Scan(send.data(), result.data(), count, gappy_, gappy_maps_, w.comm);
    if (!expect(code, Relation::ascending, 0, "MPI_Scan")) return;
    CHECK(result == spread(combined(operations()[1], 0, w.rank, 2 * count, 26)));
  }

  World w;
  int count_ = 0;
  MPI_Datatype pair_ = MPI_DATATYPE_NULL;
  MPI_Datatype gappy_ = MPI_DATATYPE_NULL;
  MPI_Op maps_ = MPI_OP_NULL;
  MPI_Op gappy_maps_ = MPI_OP_NULL;
};

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv, 50);
  Collectives collectives{World(MPI_COMM_WORLD)};
  Verdict::get().begin("none");
  collectives.all(0);
  Verdict::get().begin("one");
  collectives.all(1);
  Verdict::get().begin("few");
  collectives.all(150);  // some ranks have room for all operands of a reduction without a plan, others do not
  Verdict::get().begin("some");
  collectives.all(1000);
  Verdict::get().begin("derived");
  collectives.derived(100);
  Verdict::get().begin("a mebibyte");
  collectives.all(131072);
  // Ranks of different subjects alternate: operands of one subject do not follow each other.
  if (World(MPI_COMM_WORLD).legal(Relation::everyone, 0)) {
    Verdict::get().begin("interleaved");
    MPI_Comm interleaved = MPI_COMM_NULL;
    CHECK_EQ(MPI_Comm_split(MPI_COMM_WORLD, 0, job.inner(), &interleaved), MPI_SUCCESS);
    int size = 0;
    MPI_Comm_size(interleaved, &size);
    if (size == job.size()) {
      MPI_Comm_set_errhandler(interleaved, MPI_ERRORS_RETURN);
      Collectives mixed{World(interleaved)};
      mixed.all(100);
      mixed.derived(10);
    }
    MPI_Comm_free(&interleaved);
  }
  return Job::finish();
}
