// What the host does with datatypes inside a process: constructors, questions, attributes, packing (MPI 3.1, chapter
// 4).
#include <array>
#include <cstring>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {
namespace {

int own_envelope(MPI_Datatype type) {
  int integers = 0, addresses = 0, types = 0, combiner = -1;
  CALL(MPI_Type_get_envelope(type, &integers, &addresses, &types, &combiner));
  std::vector<int> i(static_cast<std::size_t>(integers) + 1);
  std::vector<MPI_Aint> a(static_cast<std::size_t>(addresses) + 1);
  std::vector<MPI_Datatype> t(static_cast<std::size_t>(types) + 1);
  CALL(MPI_Type_get_contents(type, integers, addresses, types, i.data(), a.data(), t.data()));
  CHECK(types == 1 || types == 2);
  CHECK(t[0] == MPI_INT);
  return combiner;
}

/// The type has this combiner, size, lower bound and extent by every question that there is; it is freed.
template <typename Number, typename Place>
void expect(MPI_Datatype type, int combiner, int size, int bound, int extent) {
  int plain_size = -1;
  MPI_Aint plain_bound = -1, plain_extent = -1, true_bound = -1, true_extent = -1;
  MPI_Count large_size = -1, large_bound = -1, large_extent = -1;
  CALL(MPI_Type_size(type, &plain_size));
  CALL(MPI_Type_get_extent(type, &plain_bound, &plain_extent));
  CALL(MPI_Type_get_true_extent(type, &true_bound, &true_extent));
  CHECK_EQ(plain_size, size);
  CHECK_EQ(plain_bound, bound);
  CHECK_EQ(plain_extent, extent);
  CHECK(true_bound >= plain_bound && true_extent <= plain_extent);
  CALL(MPI_Type_size_x(type, &large_size));
  CALL(MPI_Type_get_extent_x(type, &large_bound, &large_extent));
  CHECK(large_size == size && large_bound == bound && large_extent == extent);
  CALL(MPI_Type_get_true_extent_x(type, &large_bound, &large_extent));
  CHECK(large_bound == true_bound && large_extent == true_extent);
#if SLUICE_MPI4
  CALL(MPI_Type_size_c(type, &large_size));
  CHECK_EQ(large_size, size);
  CALL(MPI_Type_get_true_extent_c(type, &large_bound, &large_extent));
  CHECK(large_bound == true_bound && large_extent == true_extent);
  CALL(MPI_Type_get_extent_c(type, &large_bound, &large_extent));
  CHECK(large_bound == bound && large_extent == extent);
  MPI_Count integers = 0, addresses = 0, counts = 0, types = 0;
  int found = -1;
  CALL(MPI_Type_get_envelope_c(type, &integers, &addresses, &counts, &types, &found));
  CHECK_EQ(found, combiner);
  std::vector<int> i(static_cast<std::size_t>(integers) + 1);
  std::vector<MPI_Aint> a(static_cast<std::size_t>(addresses) + 1);
  std::vector<MPI_Count> n(static_cast<std::size_t>(counts) + 1);
  std::vector<MPI_Datatype> t(static_cast<std::size_t>(types) + 1);
  CALL(MPI_Type_get_contents_c(type, integers, addresses, counts, types, i.data(), a.data(), n.data(), t.data()));
  CHECK(t[0] == MPI_INT);
#endif
  if (sizeof(Number) == sizeof(int)) CHECK_EQ(own_envelope(type), combiner);
  CALL(MPI_Type_commit(&type));
  CALL(MPI_Type_free(&type));
}

#define FORM(name) MPI_Type_##name
#define NAMED(name) CASE(type_##name)
using Number = int;
using Place = MPI_Aint;
#include "tests/conformance/types_forms.inc"
#undef FORM
#undef NAMED

#if SLUICE_MPI4
namespace large {
#define FORM(name) MPI_Type_##name##_c
#define NAMED(name) CASE(type_##name##_large)
using Number = MPI_Count;
using Place = MPI_Count;
#include "tests/conformance/types_forms.inc"
#undef FORM
#undef NAMED
}  // namespace large
#endif

int type_deletes = 0;
int copy_type_attribute(MPI_Datatype, int, void*, void* in, void* out, int* flag) {
  *static_cast<void**>(out) = in;
  *flag = 1;
  return MPI_SUCCESS;
}
int delete_type_attribute(MPI_Datatype, int, void*, void*) {
  ++type_deletes;
  return MPI_SUCCESS;
}

CASE(type_attributes_and_names) {
  MPI_Datatype type, dup;
  int keyval = MPI_KEYVAL_INVALID, value = 0, found = 0, length = 0, *got = nullptr;
  type_deletes = 0;
  CALL(MPI_Type_contiguous(2, MPI_INT, &type));
  CALL(MPI_Type_create_keyval(copy_type_attribute, delete_type_attribute, &keyval, nullptr));
  CALL(MPI_Type_set_attr(type, keyval, &value));
  CALL(MPI_Type_dup(type, &dup));
  CALL(MPI_Type_get_attr(dup, keyval, &got, &found));
  CHECK(found != 0 && got == &value);
  CALL(MPI_Type_delete_attr(type, keyval));
  CHECK_EQ(type_deletes, 1);
  CALL(MPI_Type_free(&dup));
  CHECK_EQ(type_deletes, 2);
  CALL(MPI_Type_free_keyval(&keyval));
  std::array<char, MPI_MAX_OBJECT_NAME> name{};
  CALL(MPI_Type_set_name(type, "pair of ints"));
  CALL(MPI_Type_get_name(type, name.data(), &length));
  CHECK_EQ(std::string(name.data()), "pair of ints");
  CALL(MPI_Type_get_name(MPI_DOUBLE, name.data(), &length));
  CHECK_EQ(std::string(name.data()), "MPI_DOUBLE");
  CHECK(MPI_Type_f2c(MPI_Type_c2f(type)) == type);
  CALL(MPI_Type_free(&type));
}

CASE(types_by_size_and_precision) {
  MPI_Datatype type;
  int size = 0;
  CALL(MPI_Type_match_size(MPI_TYPECLASS_INTEGER, 8, &type));
  CALL(MPI_Type_size(type, &size));
  CHECK_EQ(size, 8);
  CALL(MPI_Type_create_f90_integer(9, &type));
  CALL(MPI_Type_size(type, &size));
  CHECK_EQ(size, 4);
  CALL(MPI_Type_create_f90_real(15, 307, &type));
  CALL(MPI_Type_size(type, &size));
  CHECK_EQ(size, 8);
  CALL(MPI_Type_create_f90_complex(6, 30, &type));
  CALL(MPI_Type_size(type, &size));
  CHECK_EQ(size, 8);
}

/// The external format is the same everywhere: big-endian.
CASE(pack_external) {
  const std::array<int, 2> data{0x01020304, 5};
  std::array<int, 2> back{};
  std::array<unsigned char, 64> memory{};
  MPI_Aint bytes = 0, position = 0;
  CALL(MPI_Pack_external_size("external32", 2, MPI_INT, &bytes));
  CHECK_EQ(bytes, 8);
  CALL(MPI_Pack_external("external32", data.data(), 2, MPI_INT, memory.data(), 64, &position));
  CHECK_EQ(position, 8);
  CHECK(memory[0] == 1 && memory[3] == 4 && memory[7] == 5);
  position = 0;
  CALL(MPI_Unpack_external("external32", memory.data(), 8, &position, back.data(), 2, MPI_INT));
  CHECK(back == data);
#if SLUICE_MPI4
  MPI_Count large_bytes = 0, at = 0;
  CALL(MPI_Pack_external_size_c("external32", 2, MPI_INT, &large_bytes));
  CHECK_EQ(large_bytes, 8);
  CALL(MPI_Pack_external_c("external32", data.data(), 2, MPI_INT, memory.data(), 64, &at));
  at = 0;
  back = {};
  CALL(MPI_Unpack_external_c("external32", memory.data(), 8, &at, back.data(), 2, MPI_INT));
  CHECK(back == data);
#endif
}

void add_numbers(void* in, void* inout, int* count, MPI_Datatype*) {
  for (int i = 0; i < *count; ++i) static_cast<int*>(inout)[i] += static_cast<const int*>(in)[i];
}
#if SLUICE_MPI4
void add_many_numbers(void* in, void* inout, MPI_Count* count, MPI_Datatype*) {
  for (MPI_Count i = 0; i < *count; ++i) static_cast<int*>(inout)[i] += static_cast<const int*>(in)[i];
}
#endif

CASE(operations_of_the_program) {
  MPI_Op op;
  int commutes = -1;
  const std::array<int, 2> in{1, 2};
  std::array<int, 2> inout{10, 20};
  CALL(MPI_Op_create(add_numbers, 0, &op));
  CALL(MPI_Op_commutative(op, &commutes));
  CHECK_EQ(commutes, 0);
  CALL(MPI_Op_commutative(MPI_SUM, &commutes));
  CHECK(commutes != 0);
  CALL(MPI_Reduce_local(in.data(), inout.data(), 2, MPI_INT, op));
  CHECK(inout == (std::array<int, 2>{11, 22}));
  CHECK(MPI_Op_f2c(MPI_Op_c2f(op)) == op);
  CALL(MPI_Op_free(&op));
  CHECK(op == MPI_OP_NULL);
#if SLUICE_MPI4
  CALL(MPI_Op_create_c(add_many_numbers, 1, &op));
  CALL(MPI_Reduce_local_c(in.data(), inout.data(), 2, MPI_INT, op));
  CHECK(inout == (std::array<int, 2>{12, 24}));
  CALL(MPI_Op_free(&op));
#endif
}

}  // namespace
}  // namespace sluice::conformance
