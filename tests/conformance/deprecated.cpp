// Functions that MPI has deprecated or removed and that hosts still export, for old programs. Open MPI's mpi.h refuses
// to name some of them, so they are declared here.
#include <array>

#include "tests/conformance/harness.hpp"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#if SLUICE_MPI4 == 0
#undef MPI_Address
#undef MPI_Errhandler_create
#undef MPI_Errhandler_get
#undef MPI_Errhandler_set
#undef MPI_Type_extent
#undef MPI_Type_hindexed
#undef MPI_Type_hvector
#undef MPI_Type_lb
#undef MPI_Type_struct
#undef MPI_Type_ub
extern "C" {
int MPI_Address(void* location, MPI_Aint* address);
int MPI_Errhandler_create(MPI_Comm_errhandler_function* function, MPI_Errhandler* handler);
int MPI_Errhandler_get(MPI_Comm comm, MPI_Errhandler* handler);
int MPI_Errhandler_set(MPI_Comm comm, MPI_Errhandler handler);
int MPI_Type_extent(MPI_Datatype type, MPI_Aint* extent);
int MPI_Type_hindexed(int count, int lengths[], MPI_Aint displacements[], MPI_Datatype old, MPI_Datatype* type);
int MPI_Type_hvector(int count, int length, MPI_Aint stride, MPI_Datatype old, MPI_Datatype* type);
int MPI_Type_lb(MPI_Datatype type, MPI_Aint* bound);
int MPI_Type_struct(int count, int lengths[], MPI_Aint displacements[], MPI_Datatype types[], MPI_Datatype* type);
int MPI_Type_ub(MPI_Datatype type, MPI_Aint* bound);
}
#endif

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

int old_deletes = 0;
int old_copy(MPI_Comm, int, void*, void* in, void* out, int* flag) {
  *static_cast<void**>(out) = in;
  *flag = 1;
  return MPI_SUCCESS;
}
int old_delete(MPI_Comm, int, void*, void*) {
  ++old_deletes;
  return MPI_SUCCESS;
}

CASE(old_attributes) {
  int keyval = MPI_KEYVAL_INVALID, value = 0, found = 0, *got = nullptr;
  old_deletes = 0;
  CALL(MPI_Keyval_create(old_copy, old_delete, &keyval, nullptr));
  CALL(MPI_Attr_put(kWorld, keyval, &value));
  CALL(MPI_Attr_get(kWorld, keyval, &got, &found));
  CHECK(found != 0 && got == &value);
  CALL(MPI_Attr_get(kWorld, MPI_TAG_UB, &got, &found));
  CHECK(found != 0 && *got >= 32767);
  CALL(MPI_Attr_delete(kWorld, keyval));
  CHECK_EQ(old_deletes, 1);
  CALL(MPI_Keyval_free(&keyval));
}

int old_errors = 0;
void old_handler(MPI_Comm*, int*, ...) { ++old_errors; }

CASE(old_error_handlers) {
  MPI_Errhandler handler, back;
  old_errors = 0;
  CALL(MPI_Errhandler_create(old_handler, &handler));
  CALL(MPI_Errhandler_set(kWorld, handler));
  CALL(MPI_Errhandler_get(kWorld, &back));
  CHECK(back == handler);
  int value = 0;
  CHECK_EQ(class_of(MPI_Send(&value, 1, MPI_INT, c.size, c.tag, kWorld)), MPI_ERR_RANK);
  CHECK_EQ(old_errors, 1);
  CALL(MPI_Errhandler_free(&handler));
  CALL(MPI_Errhandler_set(kWorld, MPI_ERRORS_RETURN));
}

CASE(old_datatypes) {
  std::array<int, 2> lengths{2, 1};
  std::array<MPI_Aint, 2> bytes{0, 16};
  std::array<MPI_Datatype, 2> types{MPI_INT, MPI_INT};
  std::array<int, 2> memory{};
  MPI_Aint first = 0, second = 0;
  CALL(MPI_Address(&memory[0], &first));
  CALL(MPI_Address(&memory[1], &second));
  CHECK_EQ(second - first, 4);
  MPI_Datatype type;
  for (int kind = 0; kind < 3; ++kind) {
    if (kind == 0) CALL(MPI_Type_hvector(2, 1, 16, MPI_INT, &type));
    if (kind == 1) CALL(MPI_Type_hindexed(2, lengths.data(), bytes.data(), MPI_INT, &type));
    if (kind == 2) CALL(MPI_Type_struct(2, lengths.data(), bytes.data(), types.data(), &type));
    MPI_Aint extent = 0, low = -1, high = -1;
    CALL(MPI_Type_extent(type, &extent));
    CALL(MPI_Type_lb(type, &low));
    CALL(MPI_Type_ub(type, &high));
    CHECK(extent == 20 && low == 0 && high == 20);
    CALL(MPI_Type_free(&type));
  }
}

}  // namespace
}  // namespace sluice::conformance
