// What collectives have to get right besides moving ints: MPI_IN_PLACE, operations and their order, derived datatypes,
// sizes, several at a time, wrong arguments (MPI 3.1, chapter 5).
#include <algorithm>
#include <array>
#include <vector>

#include "tests/conformance/communicators.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

std::vector<int> numbers(int rank, int count) {
  std::vector<int> result;
  for (int i = 0; i < count; ++i) result.push_back(rank * 100 + i);
  return result;
}

/// Everybody's three numbers, one after the other.
std::vector<int> all_numbers(int size) {
  std::vector<int> result;
  for (int rank = 0; rank < size; ++rank) {
    for (const int value : numbers(rank, 3)) result.push_back(value);
  }
  return result;
}

/// A buffer for everybody with the own numbers in their place.
std::vector<int> own_part(const Case& c) {
  std::vector<int> result(static_cast<std::size_t>(3 * c.size), -1);
  const std::vector<int> mine = numbers(c.rank, 3);
  std::copy(mine.begin(), mine.end(), result.begin() + 3 * c.rank);
  return result;
}

std::vector<int> threes(int size) { return std::vector<int>(static_cast<std::size_t>(size), 3); }
std::vector<int> places(int size, int step) {
  std::vector<int> result;
  for (int i = 0; i < size; ++i) result.push_back(i * step);
  return result;
}

CASE(in_place_gather) {
  c.each_root([&](int root) {
    const std::vector<int> counts = threes(c.size), displacements = places(c.size, 3);
    for (int form = 0; form < 2; ++form) {
      std::vector<int> data = own_part(c);
      int* mine = data.data() + static_cast<std::ptrdiff_t>(3 * c.rank);
      const void* from = c.rank == root ? MPI_IN_PLACE : mine;
      if (form == 0) CALL(MPI_Gather(from, 3, MPI_INT, data.data(), 3, MPI_INT, root, kWorld));
      if (form == 1) {
        CALL(MPI_Gatherv(from, 3, MPI_INT, data.data(), counts.data(), displacements.data(), MPI_INT, root, kWorld));
      }
      if (c.rank == root) CHECK(data == all_numbers(c.size));
    }
  });
}

CASE(in_place_scatter) {
  c.each_root([&](int root) {
    const std::vector<int> counts = threes(c.size), displacements = places(c.size, 3);
    for (int form = 0; form < 2; ++form) {
      std::vector<int> data = all_numbers(c.size), got(3, -1);
      void* to = c.rank == root ? MPI_IN_PLACE : got.data();
      if (form == 0) CALL(MPI_Scatter(data.data(), 3, MPI_INT, to, 3, MPI_INT, root, kWorld));
      if (form == 1) {
        CALL(MPI_Scatterv(data.data(), counts.data(), displacements.data(), MPI_INT, to, 3, MPI_INT, root, kWorld));
      }
      if (c.rank != root) CHECK(got == numbers(c.rank, 3));
      CHECK(data == all_numbers(c.size));
    }
  });
}

CASE(in_place_allgather) {
  const std::vector<int> counts = threes(c.size), displacements = places(c.size, 3);
  std::vector<int> data = own_part(c);
  CALL(MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data.data(), 3, MPI_INT, kWorld));
  CHECK(data == all_numbers(c.size));
  data = own_part(c);
  CALL(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data.data(), counts.data(), displacements.data(), MPI_INT,
                      kWorld));
  CHECK(data == all_numbers(c.size));
  data = own_part(c);
  MPI_Request request;
  CALL(MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data.data(), 3, MPI_INT, kWorld, &request));
  CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
  CHECK(data == all_numbers(c.size));
}

CASE(in_place_alltoall) {
  const std::vector<int> ones(static_cast<std::size_t>(c.size), 1), displacements = places(c.size, 1);
  const std::vector<int> bytes = places(c.size, 4);
  const std::vector<MPI_Datatype> types(static_cast<std::size_t>(c.size), MPI_INT);
  for (int form = 0; form < 3; ++form) {
    std::vector<int> data;
    for (int i = 0; i < c.size; ++i) data.push_back(number(c.rank, i));
    if (form == 0) CALL(MPI_Alltoall(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, data.data(), 1, MPI_INT, kWorld));
    if (form == 1) {
      CALL(MPI_Alltoallv(MPI_IN_PLACE, nullptr, nullptr, MPI_DATATYPE_NULL, data.data(), ones.data(),
                         displacements.data(), MPI_INT, kWorld));
    }
    if (form == 2) {
      CALL(MPI_Alltoallw(MPI_IN_PLACE, nullptr, nullptr, nullptr, data.data(), ones.data(), bytes.data(), types.data(),
                         kWorld));
    }
    for (int i = 0; i < c.size; ++i) CHECK_EQ(data[static_cast<std::size_t>(i)], number(i, c.rank));
  }
}

CASE(in_place_reduce) {
  c.each_root([&](int root) {
    int value = c.rank + 1;
    CALL(MPI_Reduce(c.rank == root ? MPI_IN_PLACE : &value, &value, 1, MPI_INT, MPI_SUM, root, kWorld));
    CHECK_EQ(value, c.rank == root ? c.size * (c.size + 1) / 2 : c.rank + 1);
  });
}

CASE(in_place_allreduce) {
  int value = c.rank + 1;
  CALL(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT, MPI_SUM, kWorld));
  CHECK_EQ(value, c.size * (c.size + 1) / 2);
}

CASE(in_place_scan) {
  int value = c.rank + 1;
  CALL(MPI_Scan(MPI_IN_PLACE, &value, 1, MPI_INT, MPI_SUM, kWorld));
  CHECK_EQ(value, (c.rank + 1) * (c.rank + 2) / 2);
  value = c.rank + 1;
  CALL(MPI_Exscan(MPI_IN_PLACE, &value, 1, MPI_INT, MPI_SUM, kWorld));
  if (c.rank > 0) CHECK_EQ(value, c.rank * (c.rank + 1) / 2);
}

CASE(in_place_reduce_scatter) {
  const std::vector<int> ones(static_cast<std::size_t>(c.size), 1);
  for (int form = 0; form < 2; ++form) {
    std::vector<int> data;
    for (int i = 0; i < c.size; ++i) data.push_back(c.rank + i);
    if (form == 0) CALL(MPI_Reduce_scatter(MPI_IN_PLACE, data.data(), ones.data(), MPI_INT, MPI_SUM, kWorld));
    if (form == 1) CALL(MPI_Reduce_scatter_block(MPI_IN_PLACE, data.data(), 1, MPI_INT, MPI_SUM, kWorld));
    CHECK_EQ(data[0], c.size * (c.size - 1) / 2 + c.size * c.rank);
  }
}

/// Text put together: associative, and every exchange of two ranks shows.
struct Text {
  int length;
  std::array<char, 60> letters;
};
void join(void* in, void* inout, int* count, MPI_Datatype*) {
  for (int i = 0; i < *count; ++i) {
    const Text& left = static_cast<const Text*>(in)[i];
    Text& right = static_cast<Text*>(inout)[i];
    Text result = left;
    for (int k = 0; k < right.length && result.length < 60; ++k) {
      result.letters[static_cast<std::size_t>(result.length++)] = right.letters[static_cast<std::size_t>(k)];
    }
    right = result;
  }
}
Text text_of_rank(int rank) {
  Text text{};
  text.length = 2;
  text.letters[0] = static_cast<char>('a' + rank);
  text.letters[1] = static_cast<char>('A' + rank);
  return text;
}
bool is_text(const Text& text, int first, int last) {
  bool good = text.length == 2 * (last - first + 1);
  for (int i = 0; good && i < text.length; ++i) {
    good = text.letters[static_cast<std::size_t>(i)] == (i % 2 == 0 ? 'a' : 'A') + first + i / 2;
  }
  return good;
}

/// The operation and the type of Text, freed at the end.
struct Joining {
  MPI_Op op = MPI_OP_NULL;
  MPI_Datatype type = MPI_DATATYPE_NULL;
  Joining() {
    CALL(MPI_Op_create(join, 0, &op));
    CALL(MPI_Type_contiguous(sizeof(Text), MPI_BYTE, &type));
    CALL(MPI_Type_commit(&type));
  }
  Joining(const Joining&) = delete;
  Joining& operator=(const Joining&) = delete;
  ~Joining() {
    MPI_Op_free(&op);
    MPI_Type_free(&type);
  }
};

CASE(order_of_reduce) {
  const Joining joining;
  c.each_root([&](int root) {
    const Text mine = text_of_rank(c.rank);
    Text result{};
    CALL(MPI_Reduce(&mine, &result, 1, joining.type, joining.op, root, kWorld));
    if (c.rank == root) CHECK(is_text(result, 0, c.size - 1));
  });
}

CASE(order_of_allreduce) {
  const Joining joining;
  const Text mine = text_of_rank(c.rank);
  Text result{};
  CALL(MPI_Allreduce(&mine, &result, 1, joining.type, joining.op, kWorld));
  CHECK(is_text(result, 0, c.size - 1));
}

CASE(order_of_scan) {
  const Joining joining;
  const Text mine = text_of_rank(c.rank);
  Text result{};
  CALL(MPI_Scan(&mine, &result, 1, joining.type, joining.op, kWorld));
  CHECK(is_text(result, 0, c.rank));
  CALL(MPI_Exscan(&mine, &result, 1, joining.type, joining.op, kWorld));
  if (c.rank > 0) CHECK(is_text(result, 0, c.rank - 1));
}

CASE(operations_of_allreduce) {
  const int mine = c.rank + 1;
  int result = 0;
  const auto reduce = [&](MPI_Op op) {
    CALL(MPI_Allreduce(&mine, &result, 1, MPI_INT, op, kWorld));
    return result;
  };
  int product = 1, all_bits = ~0, any_bits = 0, odd_bits = 0;
  for (int i = 1; i <= c.size; ++i) {
    product *= i;
    all_bits &= i;
    any_bits |= i;
    odd_bits ^= i;
  }
  CHECK_EQ(reduce(MPI_MAX), c.size);
  CHECK_EQ(reduce(MPI_MIN), 1);
  CHECK_EQ(reduce(MPI_PROD), product);
  CHECK_EQ(reduce(MPI_BAND), all_bits);
  CHECK_EQ(reduce(MPI_BOR), any_bits);
  CHECK_EQ(reduce(MPI_BXOR), odd_bits);
  CHECK_EQ(reduce(MPI_LAND), 1);
  CHECK_EQ(reduce(MPI_LOR), 1);
  CHECK_EQ(reduce(MPI_LXOR), c.size % 2);
  struct {
    double value;
    int place;
  } in{static_cast<double>((c.rank * 3) % c.size), c.rank}, out{};
  CALL(MPI_Allreduce(&in, &out, 1, MPI_DOUBLE_INT, MPI_MAXLOC, kWorld));
  int best = 0;
  for (int i = 0; i < c.size; ++i) best = (i * 3) % c.size > (best * 3) % c.size ? i : best;
  CHECK_EQ(out.place, best);
  CALL(MPI_Allreduce(&in, &out, 1, MPI_DOUBLE_INT, MPI_MINLOC, kWorld));
  CHECK(out.value == 0.0 && out.place == 0);
}

CASE(bcast_of_much) {
  constexpr int kInts = 400000;
  std::vector<int> data = c.rank == 0 ? pattern(5, kInts) : std::vector<int>(kInts, -1);
  CALL(MPI_Bcast(data.data(), kInts, MPI_INT, 0, kWorld));
  CHECK(data == pattern(5, kInts));
}

CASE(reduce_of_much) {
  constexpr int kInts = 200000;
  const std::vector<int> data(kInts, c.rank + 1);
  std::vector<int> result(kInts, -1);
  const int root = c.size - 1;
  CALL(MPI_Reduce(data.data(), result.data(), kInts, MPI_INT, MPI_SUM, root, kWorld));
  if (c.rank == root) CHECK(result == std::vector<int>(kInts, c.size * (c.size + 1) / 2));
}

CASE(bcast_of_nothing) { CALL(MPI_Bcast(nullptr, 0, MPI_INT, 0, kWorld)); }

/// One type at the root, another elsewhere, of the same signature.
CASE(bcast_of_derived_types) {
  MPI_Datatype column;
  CALL(MPI_Type_vector(4, 1, 3, MPI_INT, &column));
  CALL(MPI_Type_commit(&column));
  std::array<int, 12> spread{};
  std::array<int, 4> flat{};
  for (int i = 0; i < 4; ++i) spread[static_cast<std::size_t>(3 * i)] = number(i);
  if (c.rank == 0) CALL(MPI_Bcast(spread.data(), 1, column, 0, kWorld));
  if (c.rank != 0) CALL(MPI_Bcast(flat.data(), 4, MPI_INT, 0, kWorld));
  for (int i = 0; i < 4 && c.rank != 0; ++i) CHECK_EQ(flat[static_cast<std::size_t>(i)], number(i));
  CALL(MPI_Type_free(&column));
}

/// Columns of a matrix, gathered into rows with a resized type.
CASE(gather_of_resized_types) {
  const int root = c.size - 1;
  MPI_Datatype column, spaced;
  CALL(MPI_Type_vector(3, 1, c.size, MPI_INT, &column));
  CALL(MPI_Type_create_resized(column, 0, sizeof(int), &spaced));
  CALL(MPI_Type_commit(&spaced));
  const std::vector<int> mine = numbers(c.rank, 3);
  std::vector<int> matrix(static_cast<std::size_t>(3 * c.size), -1);
  CALL(MPI_Gather(mine.data(), 3, MPI_INT, matrix.data(), 1, spaced, root, kWorld));
  for (int i = 0; i < 3 * c.size && c.rank == root; ++i) {
    CHECK_EQ(matrix[static_cast<std::size_t>(i)], i % c.size * 100 + i / c.size);
  }
  CALL(MPI_Type_free(&column));
  CALL(MPI_Type_free(&spaced));
}

/// Several at a time, with messages between them, completed out of order.
CASE(several_collectives_at_a_time) {
  std::array<MPI_Request, 4> requests;
  std::array<int, 2> told{c.rank == 0 ? 7 : -1, c.rank == 0 ? 8 : -1};
  int sum = -1, mine = c.rank + 1;
  // First the one that may be refused: then nothing is under way yet that writes here.
  CALL(MPI_Iallreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, kWorld, &requests[1]));
  CALL(MPI_Ibcast(&told[0], 1, MPI_INT, 0, kWorld, &requests[0]));
  CALL(MPI_Ibcast(&told[1], 1, MPI_INT, 0, kWorld, &requests[2]));
  CALL(MPI_Ibarrier(kWorld, &requests[3]));
  c.each_link(Needs::both, [&](const Pair& p) {
    const int sent = number(c.rank);
    int got = -1;
    CALL(MPI_Sendrecv(&sent, 1, MPI_INT, p.other(), p.tag, &got, 1, MPI_INT, p.other(), p.tag, kWorld,
                      MPI_STATUS_IGNORE));
    CHECK_EQ(got, number(p.other()));
  });
  CALL(MPI_Wait(&requests[2], MPI_STATUS_IGNORE));
  CALL(MPI_Waitall(4, requests.data(), MPI_STATUSES_IGNORE));
  CHECK(told[0] == 7 && told[1] == 8);
  CHECK_EQ(sum, c.size * (c.size + 1) / 2);
}

CASE(collectives_with_wrong_arguments) {
  int value = 0;
  CALL_FAILS(MPI_ERR_ROOT, MPI_Bcast(&value, 1, MPI_INT, c.size, kWorld));
  CALL_FAILS(MPI_ERR_COUNT, MPI_Bcast(&value, -1, MPI_INT, 0, kWorld));
  CALL_FAILS(MPI_ERR_TYPE, MPI_Bcast(&value, 1, MPI_DATATYPE_NULL, 0, kWorld));
}

}  // namespace
}  // namespace sluice::conformance
