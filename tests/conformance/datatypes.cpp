// Messages with every derived datatype: memory laid out by one type arrives in memory laid out by another of the same
// signature, and nothing beside it is touched (MPI 3.1, chapter 4).
#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

/// Makes a datatype of ints within an array of `kInts` ints.
using Maker = std::function<MPI_Datatype()>;
constexpr int kInts = 64;

/// Which ints of the array the datatype covers, in its order, found by packing an array of their indices.
std::vector<int> covered(MPI_Datatype type) {
  std::array<int, kInts> indices{};
  for (int i = 0; i < kInts; ++i) indices[static_cast<std::size_t>(i)] = i;
  int bytes = 0, position = 0;
  CALL(MPI_Type_size(type, &bytes));
  std::vector<int> packed(static_cast<std::size_t>(bytes) / sizeof(int));
  // On the program's own communicator, by the host.
  CALL(MPI_Pack(indices.data(), 1, type, packed.data(), bytes, &position, MPI_COMM_SELF));
  return packed;
}

/// Sends with `make` to a contiguous receive, and contiguous to a receive with `make`.
void exchange(Case& c, const Maker& make) {
  MPI_Datatype type = make();
  CALL(MPI_Type_commit(&type));
  const std::vector<int> places = covered(type);
  CHECK(!places.empty());
  const int count = static_cast<int>(places.size());
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const std::vector<int> memory = pattern(number(p.from, p.to), kInts);
    std::vector<int> expected;
    for (const int place : places) expected.push_back(memory[static_cast<std::size_t>(place)]);
    if (p.sender) {
      CALL(MPI_Send(memory.data(), 1, type, p.to, p.tag, kWorld));
      CALL(MPI_Send(expected.data(), count, MPI_INT, p.to, p.tag, kWorld));
      MPI_Request request;
      CALL(MPI_Isend(memory.data(), 1, type, p.to, p.tag, kWorld, &request));
      return CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    }
    MPI_Status status;
    std::vector<int> flat(expected.size(), -1), laid(kInts, -1);
    CALL(MPI_Recv(flat.data(), count, MPI_INT, p.from, p.tag, kWorld, &status));
    CHECK(flat == expected);
    CHECK_STATUS(status, p.from, p.tag, count, MPI_INT);
    for (int round = 0; round < 2; ++round) {
      std::fill(laid.begin(), laid.end(), -1);
      MPI_Request request;
      CALL(MPI_Irecv(laid.data(), 1, type, p.from, p.tag, kWorld, &request));
      CALL(MPI_Wait(&request, &status));
      int elements = -1;
      CALL(MPI_Get_elements(&status, type, &elements));
      CHECK_EQ(elements, count);
      CHECK_EQ(count_of(status, type), 1);
      for (int i = 0; i < kInts; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const bool inside = std::find(places.begin(), places.end(), i) != places.end();
        if (laid[at] != (inside ? memory[at] : -1)) return CHECK_EQ(laid[at], inside ? memory[at] : -1);
      }
    }
  });
  CALL(MPI_Type_free(&type));
  CHECK(type == MPI_DATATYPE_NULL);
}

constexpr std::array<int, 3> kLengths{2, 1, 3};
constexpr std::array<int, 3> kPlaces{1, 20, 7};
constexpr std::array<MPI_Aint, 3> kBytes{4, 80, 28};

CASE(type_contiguous) {
  exchange(c, [] {
    MPI_Datatype type;
    CALL(MPI_Type_contiguous(9, MPI_INT, &type));
    return type;
  });
}

CASE(type_vector) {
  exchange(c, [] {
    MPI_Datatype type;
    CALL(MPI_Type_vector(5, 3, 7, MPI_INT, &type));
    return type;
  });
}

CASE(type_hvector) {
  exchange(c, [] {
    MPI_Datatype type;
    CALL(MPI_Type_create_hvector(5, 2, 20, MPI_INT, &type));
    return type;
  });
}

CASE(type_indexed) {
  exchange(c, [] {
    MPI_Datatype type;
    CALL(MPI_Type_indexed(3, kLengths.data(), kPlaces.data(), MPI_INT, &type));
    return type;
  });
}

CASE(type_hindexed) {
  exchange(c, [] {
    MPI_Datatype type;
    CALL(MPI_Type_create_hindexed(3, kLengths.data(), kBytes.data(), MPI_INT, &type));
    return type;
  });
}

CASE(type_indexed_block) {
  exchange(c, [] {
    MPI_Datatype type;
    CALL(MPI_Type_create_indexed_block(3, 2, kPlaces.data(), MPI_INT, &type));
    return type;
  });
}

CASE(type_hindexed_block) {
  exchange(c, [] {
    MPI_Datatype type;
    CALL(MPI_Type_create_hindexed_block(3, 2, kBytes.data(), MPI_INT, &type));
    return type;
  });
}

CASE(type_struct) {
  exchange(c, [] {
    MPI_Datatype pairs, type;
    CALL(MPI_Type_vector(2, 1, 2, MPI_INT, &pairs));
    const std::array<MPI_Datatype, 3> types{MPI_INT, pairs, MPI_INT};
    CALL(MPI_Type_create_struct(3, kLengths.data(), kBytes.data(), types.data(), &type));
    CALL(MPI_Type_free(&pairs));
    return type;
  });
}

CASE(type_subarray) {
  exchange(c, [] {
    const std::array<int, 3> sizes{4, 4, 4}, parts{2, 3, 2}, starts{1, 0, 2};
    MPI_Datatype type;
    CALL(MPI_Type_create_subarray(3, sizes.data(), parts.data(), starts.data(), MPI_ORDER_FORTRAN, MPI_INT, &type));
    return type;
  });
}

CASE(type_darray) {
  exchange(c, [] {
    const std::array<int, 2> sizes{8, 8}, grid{2, 2}, parts{MPI_DISTRIBUTE_DFLT_DARG, 3};
    const std::array<int, 2> kinds{MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_CYCLIC};
    MPI_Datatype type;
    CALL(MPI_Type_create_darray(4, 1, 2, sizes.data(), kinds.data(), parts.data(), grid.data(), MPI_ORDER_C, MPI_INT,
                                &type));
    return type;
  });
}

CASE(type_resized) {
  exchange(c, [] {
    MPI_Datatype spaced, type;
    CALL(MPI_Type_create_resized(MPI_INT, 0, 12, &spaced));
    CALL(MPI_Type_contiguous(6, spaced, &type));
    CALL(MPI_Type_free(&spaced));
    return type;
  });
}

CASE(type_dup) {
  exchange(c, [] {
    MPI_Datatype vector, type;
    CALL(MPI_Type_vector(4, 1, 4, MPI_INT, &vector));
    CALL(MPI_Type_dup(vector, &type));
    CALL(MPI_Type_free(&vector));
    return type;
  });
}

/// Elements before the buffer's address, and order that is not ascending.
CASE(type_negative_stride) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    MPI_Datatype type;
    CALL(MPI_Type_vector(4, 1, -2, MPI_INT, &type));
    CALL(MPI_Type_commit(&type));
    std::vector<int> memory = pattern(p.from, 16);
    if (p.sender) {
      CALL(MPI_Send(&memory[8], 1, type, p.to, p.tag, kWorld));
    } else {
      std::vector<int> got(16, -1);
      CALL(MPI_Recv(&got[8], 1, type, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
      for (const std::size_t at : {2U, 4U, 6U, 8U}) CHECK_EQ(got[at], memory[at]);
      CHECK(got[1] == -1 && got[3] == -1 && got[9] == -1);
    }
    CALL(MPI_Type_free(&type));
  });
}

/// Absolute addresses of variables that have nothing to do with each other.
CASE(type_absolute_addresses) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int a = p.sender ? number(p.from) : -1;
    std::vector<double> b(5, p.sender ? 2.5 : 0.0);
    char text[4] = "xyz";
    if (!p.sender) text[0] = '-';
    std::array<MPI_Aint, 3> addresses{};
    CALL(MPI_Get_address(&a, &addresses[0]));
    CALL(MPI_Get_address(b.data(), &addresses[1]));
    CALL(MPI_Get_address(text, &addresses[2]));
    const std::array<int, 3> lengths{1, 5, 3};
    const std::array<MPI_Datatype, 3> types{MPI_INT, MPI_DOUBLE, MPI_CHAR};
    MPI_Datatype type;
    CALL(MPI_Type_create_struct(3, lengths.data(), addresses.data(), types.data(), &type));
    CALL(MPI_Type_commit(&type));
    if (p.sender) {
      CALL(MPI_Send(MPI_BOTTOM, 1, type, p.to, p.tag, kWorld));
    } else {
      MPI_Status status;
      CALL(MPI_Recv(MPI_BOTTOM, 1, type, p.from, p.tag, kWorld, &status));
      CHECK_EQ(a, number(p.from));
      CHECK(b == std::vector<double>(5, 2.5) && text[0] == 'x');
      CHECK_EQ(count_of(status, type), 1);
    }
    CALL(MPI_Type_free(&type));
  });
}

/// Several elements, and fewer than there is room for.
CASE(type_partial_receive) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    MPI_Datatype type;
    CALL(MPI_Type_vector(2, 1, 2, MPI_INT, &type));
    CALL(MPI_Type_commit(&type));
    const std::array<int, 5> data{1, 2, 3, 4, 5};
    std::array<int, 32> got{};
    if (p.sender) {
      CALL(MPI_Send(data.data(), 5, MPI_INT, p.to, p.tag, kWorld));
    } else {
      MPI_Status status;
      int elements = -1;
      MPI_Count many = -1;
      CALL(MPI_Recv(got.data(), 6, type, p.from, p.tag, kWorld, &status));
      CHECK_EQ(count_of(status, type), MPI_UNDEFINED);
      CALL(MPI_Get_elements(&status, type, &elements));
      CHECK_EQ(elements, 5);
      CALL(MPI_Get_elements_x(&status, type, &many));
      CHECK_EQ(many, 5);
      CHECK(got[0] == 1 && got[1] == 0 && got[2] == 2 && got[3] == 3 && got[5] == 4 && got[6] == 5 && got[8] == 0);
    }
    CALL(MPI_Type_free(&type));
  });
}

/// The type may be freed while the receive waits.
CASE(type_freed_early) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const std::array<int, 3> data{7, 8, 9};
    if (p.sender) return CALL(MPI_Send(data.data(), 3, MPI_INT, p.to, p.tag, kWorld));
    std::array<int, 6> got{};
    MPI_Datatype type;
    MPI_Request request;
    CALL(MPI_Type_vector(3, 1, 2, MPI_INT, &type));
    CALL(MPI_Type_commit(&type));
    CALL(MPI_Irecv(got.data(), 1, type, p.from, p.tag, kWorld, &request));
    CALL(MPI_Type_free(&type));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK(got == (std::array<int, 6>{7, 0, 8, 0, 9, 0}));
  });
}

CASE(type_pairs) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    struct Pairs {
      double value;
      int index;
    };
    std::array<Pairs, 3> data{{{1.5, 1}, {2.5, 2}, {3.5, 3}}};
    if (p.sender) return CALL(MPI_Send(data.data(), 3, MPI_DOUBLE_INT, p.to, p.tag, kWorld));
    std::array<Pairs, 3> got{};
    MPI_Status status;
    CALL(MPI_Recv(got.data(), 3, MPI_DOUBLE_INT, p.from, p.tag, kWorld, &status));
    for (std::size_t i = 0; i < 3; ++i) CHECK(got[i].value == data[i].value && got[i].index == data[i].index);
    CHECK_EQ(count_of(status, MPI_DOUBLE_INT), 3);
  });
}

/// Not committed, a type cannot be used.
CASE(type_not_committed) {
  int to = c.rank;
  for (int peer = 0; peer < c.size; ++peer) to = c.flow(c.rank, peer) ? peer : to;
  MPI_Datatype type;
  int value = 0;
  CALL(MPI_Type_vector(2, 1, 2, MPI_INT, &type));
  CALL_FAILS(MPI_ERR_TYPE, MPI_Send(&value, 1, type, to, c.tag, kWorld));
  CALL(MPI_Type_free(&type));
}

CASE(packed_messages) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::array<char, 256> memory{};
    int position = 0, size = 0, a = number(p.from);
    double b = 6.25;
    CALL(MPI_Pack_size(1, MPI_INT, kWorld, &size));
    CHECK(size >= 4);
    if (p.sender) {
      CALL(MPI_Pack(&a, 1, MPI_INT, memory.data(), 256, &position, kWorld));
      CALL(MPI_Pack(&b, 1, MPI_DOUBLE, memory.data(), 256, &position, kWorld));
      return CALL(MPI_Send(memory.data(), position, MPI_PACKED, p.to, p.tag, kWorld));
    }
    MPI_Status status;
    CALL(MPI_Recv(memory.data(), 256, MPI_PACKED, p.from, p.tag, kWorld, &status));
    const int bytes = count_of(status, MPI_PACKED);
    a = 0;
    b = 0;
    CALL(MPI_Unpack(memory.data(), bytes, &position, &a, 1, MPI_INT, kWorld));
    CALL(MPI_Unpack(memory.data(), bytes, &position, &b, 1, MPI_DOUBLE, kWorld));
    CHECK_EQ(a, number(p.from));
    CHECK(b == 6.25);
    CHECK_EQ(position, bytes);
  });
}

}  // namespace
}  // namespace sluice::conformance
