// Windows (MPI 3.1, chapter 11): refused on a communicator that spans subjects, the host's own inside a subject.
#include <algorithm>
#include <array>
#include <string>

#include "tests/conformance/communicators.hpp"

namespace sluice::conformance {
namespace {

constexpr int kInts = 8;

/// A window of eight zeros on each rank of the subject.
struct TestWindow {
  MPI_Win window = MPI_WIN_NULL;
  int* memory = nullptr;
  int rank = 0, size = 0, value = 0, got = -1;
  MPI_Comm comm;

  explicit TestWindow(const Case& c) : comm(c.subject) {
    CALL(MPI_Comm_rank(comm, &rank));
    CALL(MPI_Comm_size(comm, &size));
    CALL(MPI_Win_allocate(kInts * sizeof(int), sizeof(int), MPI_INFO_NULL, comm, &memory, &window));
    std::fill_n(memory, kInts, 0);
    CALL(MPI_Barrier(comm));
  }
  TestWindow(const TestWindow&) = delete;
  TestWindow& operator=(const TestWindow&) = delete;
  ~TestWindow() {
    if (window != MPI_WIN_NULL) MPI_Win_free(&window);
  }
  [[nodiscard]] int next() const { return (rank + 1) % size; }
  [[nodiscard]] int before() const { return (rank + size - 1) % size; }
};

#define FORM(name) MPI_##name
#define NAMED(name) CASE(name)
#include "tests/conformance/windows_forms.inc"
#undef FORM
#undef NAMED
#if SLUICE_MPI4
#define FORM(name) MPI_##name##_c
#define NAMED(name) CASE(name##_large)
#include "tests/conformance/windows_forms.inc"
#undef FORM
#undef NAMED
#endif

CASE(window_atomics) {
  TestWindow w(c);
  const int one = 1, none = 0;
  CALL(MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, w.window));
  CALL(MPI_Fetch_and_op(&one, &w.got, MPI_INT, 0, 0, MPI_SUM, w.window));
  CALL(MPI_Win_unlock(0, w.window));
  CHECK(w.got >= 0 && w.got < w.size);
  CALL(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, w.next(), 0, w.window));
  CALL(MPI_Compare_and_swap(&one, &none, &w.got, MPI_INT, w.next(), 5, w.window));
  CALL(MPI_Win_unlock(w.next(), w.window));
  CHECK_EQ(w.got, 0);
  CALL(MPI_Barrier(w.comm));
  CALL(MPI_Win_lock(MPI_LOCK_SHARED, w.rank, 0, w.window));
  CALL(MPI_Win_sync(w.window));
  CHECK_EQ(w.memory[5], 1);
  if (w.rank == 0) CHECK_EQ(w.memory[0], w.size);
  CALL(MPI_Win_unlock(w.rank, w.window));
}

/// Post, start, complete, wait: each rank exposes to the one before it.
CASE(window_general_active) {
  TestWindow w(c);
  MPI_Group all, to, from;
  const int next = w.next(), before = w.before();
  CALL(MPI_Win_get_group(w.window, &all));
  CALL(MPI_Group_incl(all, 1, &next, &to));
  CALL(MPI_Group_incl(all, 1, &before, &from));
  for (int round = 0; round < 2; ++round) {
    w.value = number(w.rank, round);
    CALL(MPI_Win_post(from, 0, w.window));
    CALL(MPI_Win_start(to, 0, w.window));
    CALL(MPI_Put(&w.value, 1, MPI_INT, next, 6, 1, MPI_INT, w.window));
    CALL(MPI_Win_complete(w.window));
    if (round == 0) {
      CALL(MPI_Win_wait(w.window));
    } else {
      for (int flag = 0; flag == 0;) CALL(MPI_Win_test(w.window, &flag));
    }
    CHECK_EQ(w.memory[6], number(before, round));
  }
  for (MPI_Group* group : {&all, &to, &from}) CALL(MPI_Group_free(group));
}

CASE(window_dynamic) {
  MPI_Win window;
  int rank = 0, size = 0;
  CALL(MPI_Comm_rank(c.subject, &rank));
  CALL(MPI_Comm_size(c.subject, &size));
  if (SLUICE_MPI4 == 0 && size == 1) return;  // Open MPI 4.1.4 has none for one process
  CALL(MPI_Win_create_dynamic(MPI_INFO_NULL, c.subject, &window));
  std::vector<int> memory(4, 0);
  MPI_Aint own = 0;
  CALL(MPI_Win_attach(window, memory.data(), 16));
  CALL(MPI_Get_address(memory.data(), &own));
  std::vector<MPI_Aint> all(static_cast<std::size_t>(size));
  CALL(MPI_Allgather(&own, 1, MPI_AINT, all.data(), 1, MPI_AINT, c.subject));
  const int value = number(rank), next = (rank + 1) % size;
  CALL(MPI_Win_fence(0, window));
  CALL(MPI_Put(&value, 1, MPI_INT, next, MPI_Aint_add(all[static_cast<std::size_t>(next)], 4), 1, MPI_INT, window));
  CALL(MPI_Win_fence(0, window));
  CHECK_EQ(memory[1], number((rank + size - 1) % size));
  CALL(MPI_Win_detach(window, memory.data()));
  CALL(MPI_Win_free(&window));
}

CASE(window_shared_memory) {
  MPI_Win window;
  int* own = nullptr;
  int* first = nullptr;
  int rank = 0, unit = 0;
  MPI_Aint bytes = 0;
  CALL(MPI_Comm_rank(c.subject, &rank));
  CALL(MPI_Win_allocate_shared(16, 4, MPI_INFO_NULL, c.subject, &own, &window));
  CALL(MPI_Win_shared_query(window, 0, &bytes, &unit, &first));
  CHECK(bytes == 16 && unit == 4);
  CALL(MPI_Win_fence(0, window));
  if (rank == 0) own[0] = 4711;
  CALL(MPI_Win_fence(0, window));
  CHECK_EQ(first[0], 4711);
#if SLUICE_MPI4
  MPI_Aint large_unit = 0;
  CALL(MPI_Win_shared_query_c(window, 0, &bytes, &large_unit, &first));
  CHECK_EQ(large_unit, 4);
#endif
  CALL(MPI_Win_free(&window));
}

int window_deletes = 0;
int count_delete(MPI_Win, int, void*, void*) {
  ++window_deletes;
  return MPI_SUCCESS;
}
int window_errors = 0;
void count_error(MPI_Win*, int*, ...) { ++window_errors; }

CASE(window_attributes) {
  TestWindow w(c);
  int keyval = MPI_KEYVAL_INVALID, found = 0, value = 0, *got = nullptr;
  window_deletes = 0;
  CALL(MPI_Win_create_keyval(MPI_WIN_NULL_COPY_FN, count_delete, &keyval, nullptr));
  CALL(MPI_Win_set_attr(w.window, keyval, &value));
  CALL(MPI_Win_get_attr(w.window, keyval, &got, &found));
  CHECK(found != 0 && got == &value);
  CALL(MPI_Win_delete_attr(w.window, keyval));
  CHECK_EQ(window_deletes, 1);
  CALL(MPI_Win_free_keyval(&keyval));
  MPI_Aint* bytes = nullptr;
  CALL(MPI_Win_get_attr(w.window, MPI_WIN_SIZE, &bytes, &found));
  CHECK(found != 0 && *bytes == kInts * 4);
  std::array<char, MPI_MAX_OBJECT_NAME> name{};
  int length = 0;
  CALL(MPI_Win_set_name(w.window, "pane"));
  CALL(MPI_Win_get_name(w.window, name.data(), &length));
  CHECK_EQ(std::string(name.data()), "pane");
  MPI_Info info;
  CALL(MPI_Win_get_info(w.window, &info));
  CALL(MPI_Win_set_info(w.window, info));
  CALL(MPI_Info_free(&info));
  CHECK(MPI_Win_f2c(MPI_Win_c2f(w.window)) == w.window);
  MPI_Errhandler handler, back;
  window_errors = 0;
  CALL(MPI_Win_create_errhandler(count_error, &handler));
  CALL(MPI_Win_set_errhandler(w.window, handler));
  CALL(MPI_Win_get_errhandler(w.window, &back));
  CHECK(back == handler);
  CALL(MPI_Win_call_errhandler(w.window, MPI_ERR_OTHER));
  CHECK_EQ(window_errors, 1);
  CALL(MPI_Errhandler_free(&handler));
}

// On the world, each kind: refused where it spans subjects.
std::array<int, kInts> pane{};

CASE(window_create_of_the_world) {
  MPI_Win window;
  CALL(MPI_Win_create(pane.data(), sizeof pane, 4, MPI_INFO_NULL, MPI_COMM_WORLD, &window));
  CALL(MPI_Win_free(&window));
}
CASE(window_allocate_of_the_world) {
  MPI_Win window;
  int* memory = nullptr;
  CALL(MPI_Win_allocate(16, 4, MPI_INFO_NULL, MPI_COMM_WORLD, &memory, &window));
  CALL(MPI_Win_free(&window));
}
CASE(window_allocate_shared_of_the_world) {
  MPI_Win window;
  int* memory = nullptr;
  CALL(MPI_Win_allocate_shared(16, 4, MPI_INFO_NULL, MPI_COMM_WORLD, &memory, &window));
  CALL(MPI_Win_free(&window));
}
CASE(window_create_dynamic_of_the_world) {
  MPI_Win window;
  CALL(MPI_Win_create_dynamic(MPI_INFO_NULL, MPI_COMM_WORLD, &window));
  CALL(MPI_Win_free(&window));
}
#if SLUICE_MPI4
CASE(window_create_of_the_world_large) {
  MPI_Win window;
  CALL(MPI_Win_create_c(pane.data(), sizeof pane, 4, MPI_INFO_NULL, MPI_COMM_WORLD, &window));
  CALL(MPI_Win_free(&window));
}
CASE(window_allocate_of_the_world_large) {
  MPI_Win window;
  int* memory = nullptr;
  CALL(MPI_Win_allocate_c(16, 4, MPI_INFO_NULL, MPI_COMM_WORLD, &memory, &window));
  CALL(MPI_Win_free(&window));
}
CASE(window_allocate_shared_of_the_world_large) {
  MPI_Win window;
  int* memory = nullptr;
  CALL(MPI_Win_allocate_shared_c(16, 4, MPI_INFO_NULL, MPI_COMM_WORLD, &memory, &window));
  CALL(MPI_Win_free(&window));
}
#endif

}  // namespace
}  // namespace sluice::conformance
