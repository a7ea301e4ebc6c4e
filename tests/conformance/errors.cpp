// Error handlers, classes, codes and texts (MPI 3.1, chapter 8).
#include <array>
#include <cstring>

#include "tests/conformance/communicators.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

struct Seen {
  int calls = 0;
  MPI_Comm comm = MPI_COMM_NULL;
  int code = MPI_SUCCESS;
};
Seen seen;

void remember(MPI_Comm* comm, int* code, ...) {
  ++seen.calls;
  seen.comm = *comm;
  seen.code = *code;
}

CASE(own_error_handler) {
  MPI_Errhandler handler, back;
  seen = {};
  CALL(MPI_Comm_create_errhandler(remember, &handler));
  CALL(MPI_Comm_set_errhandler(kWorld, handler));
  CALL(MPI_Comm_get_errhandler(kWorld, &back));
  CHECK(back == handler);
  CALL(MPI_Errhandler_free(&back));
  int value = 0;
  const int code = MPI_Send(&value, 1, MPI_INT, c.size, c.tag, kWorld);
  CHECK_EQ(class_of(code), MPI_ERR_RANK);
  CHECK_EQ(seen.calls, 1);
  CHECK(seen.comm == kWorld && class_of(seen.code) == MPI_ERR_RANK);
  CALL(MPI_Comm_call_errhandler(kWorld, MPI_ERR_OTHER));
  CHECK_EQ(seen.calls, 2);
  CHECK_EQ(seen.code, MPI_ERR_OTHER);
  CALL(MPI_Errhandler_free(&handler));
  CHECK(handler == MPI_ERRHANDLER_NULL);
  CALL(MPI_Comm_set_errhandler(kWorld, MPI_ERRORS_RETURN));
}

/// A message that is too long calls the handler of its communicator, wherever it comes from.
CASE(error_handler_of_receive) {
  MPI_Errhandler handler;
  CALL(MPI_Comm_create_errhandler(remember, &handler));
  CALL(MPI_Comm_set_errhandler(kWorld, handler));
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::array<int, 2> data{1, 2};
    seen = {};
    if (p.sender) return CALL(MPI_Send(data.data(), 2, MPI_INT, p.to, p.tag, kWorld));
    CALL_FAILS(MPI_ERR_TRUNCATE, MPI_Recv(data.data(), 1, MPI_INT, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
    CHECK_EQ(seen.calls, 1);
    CHECK(seen.comm == kWorld && class_of(seen.code) == MPI_ERR_TRUNCATE);
  });
  CALL(MPI_Errhandler_free(&handler));
  CALL(MPI_Comm_set_errhandler(kWorld, MPI_ERRORS_RETURN));
}

/// A duplicate inherits the handler; setting it there does not change it here.
CASE(error_handler_is_inherited) {
  MPI_Errhandler handler, back;
  MPI_Comm dup;
  seen = {};
  CALL(MPI_Comm_create_errhandler(remember, &handler));
  CALL(MPI_Comm_set_errhandler(kWorld, handler));
  c.attempt("", [&] {
    CALL(MPI_Comm_dup(kWorld, &dup));
    CALL(MPI_Comm_get_errhandler(dup, &back));
    CHECK(back == handler);
    CALL(MPI_Errhandler_free(&back));
    int value = 0;
    CHECK_EQ(class_of(MPI_Send(&value, 1, MPI_INT, c.size, c.tag, dup)), MPI_ERR_RANK);
    CHECK(seen.calls == 1 && seen.comm == dup);
    CALL(MPI_Comm_set_errhandler(dup, MPI_ERRORS_RETURN));
    CHECK_EQ(class_of(MPI_Send(&value, 1, MPI_INT, c.size, c.tag, dup)), MPI_ERR_RANK);
    CHECK_EQ(seen.calls, 1);
    CALL(MPI_Comm_free(&dup));
  });
  CALL(MPI_Errhandler_free(&handler));
  CALL(MPI_Comm_set_errhandler(kWorld, MPI_ERRORS_RETURN));
}

/// What is refused calls the handler once, with the communicator and MPIX_ERR_FLOW. On the bare host nothing is.
CASE(error_handler_of_refusal) {
  int peer = -1;
  for (int i = 0; i < c.size; ++i) peer = c.flow(c.rank, i) ? peer : i;
  if (peer < 0) return;
  MPI_Errhandler handler;
  seen = {};
  CALL(MPI_Comm_create_errhandler(remember, &handler));
  CALL(MPI_Comm_set_errhandler(kWorld, handler));
  int value = 0;
  const int code = MPI_Send(&value, 1, MPI_INT, peer, c.tag, kWorld);
  CHECK_EQ(class_of(code), flow_class());
  CHECK(seen.calls == 1 && seen.comm == kWorld && class_of(seen.code) == flow_class());
  CALL(MPI_Errhandler_free(&handler));
  CALL(MPI_Comm_set_errhandler(kWorld, MPI_ERRORS_RETURN));
}

CASE(error_handler_handles) { CHECK(MPI_Errhandler_f2c(MPI_Errhandler_c2f(MPI_ERRORS_RETURN)) == MPI_ERRORS_RETURN); }

CASE(error_classes_and_codes) {
  int error_class = -1, code = -1, found = -1, *last = nullptr, flag = 0;
  CALL(MPI_Add_error_class(&error_class));
  CALL(MPI_Add_error_code(error_class, &code));
  CALL(MPI_Add_error_string(code, "the tide is out"));
  CALL(MPI_Error_class(code, &found));
  CHECK_EQ(found, error_class);
  CHECK_EQ(text_of(code), "the tide is out");
  CALL(MPI_Comm_get_attr(kWorld, MPI_LASTUSEDCODE, &last, &flag));
  CHECK(flag != 0 && *last >= error_class && *last >= MPI_ERR_LASTCODE);
  CHECK(error_class != flow_class());
  CALL(MPI_Error_class(MPI_SUCCESS, &found));
  CHECK_EQ(found, MPI_SUCCESS);
  for (const int standard : {MPI_ERR_RANK, MPI_ERR_TAG, MPI_ERR_TRUNCATE, MPI_ERR_IN_STATUS}) {
    CHECK_EQ(class_of(standard), standard);
    CHECK(!text_of(standard).empty());
  }
}

#if SLUICE_MPI4
/// MPICH's own way to take back what was added.
CASE(error_classes_deleted) {
  int error_class = -1, code = -1;
  CALL(MPI_Add_error_class(&error_class));
  CALL(MPI_Add_error_code(error_class, &code));
  CALL(MPI_Add_error_string(code, "gone soon"));
  CALL(MPIX_Delete_error_string(code));
  CALL(MPIX_Delete_error_code(code));
  CALL(MPIX_Delete_error_class(error_class));
  // What Sluice has added itself is still there.
  CHECK(flow_class() < 0 || class_of(flow_class()) == flow_class());
}
#endif

CASE(null_communicator) {
  int value = 0;
  CALL_FAILS(MPI_ERR_COMM, MPI_Comm_rank(MPI_COMM_NULL, &value));
  CALL_FAILS(MPI_ERR_COMM, MPI_Send(&value, 1, MPI_INT, 0, c.tag, MPI_COMM_NULL));
}

}  // namespace
}  // namespace sluice::conformance
