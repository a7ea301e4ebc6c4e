// Making, splitting, comparing and ending communicators (MPI 3.1, section 6.4).
#include "tests/conformance/communicators.hpp"

#include <algorithm>
#include <array>

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

/// The world in reverse order.
std::vector<int> reversed(const Case& c) {
  std::vector<int> ranks = everybody(c);
  std::reverse(ranks.begin(), ranks.end());
  return ranks;
}

MPI_Group group_of(const std::vector<int>& ranks) {
  MPI_Group world, group;
  CALL(MPI_Comm_group(kWorld, &world));
  CALL(MPI_Group_incl(world, static_cast<int>(ranks.size()), ranks.data(), &group));
  CALL(MPI_Group_free(&world));
  return group;
}

CASE(comm_dup) {
  MPI_Comm first, second;
  CALL(MPI_Comm_dup(kWorld, &first));
  check_communicator(c, first, everybody(c));
  CALL(MPI_Comm_dup(first, &second));
  check_communicator(c, second, everybody(c));
  CALL(MPI_Comm_free(&first));
  CHECK(first == MPI_COMM_NULL);
  check_communicator(c, second, everybody(c));
  CALL(MPI_Comm_free(&second));
}

CASE(comm_dup_with_info) {
  MPI_Comm comm;
  MPI_Info info;
  CALL(MPI_Info_create(&info));
  CALL(MPI_Info_set(info, "sluice_nothing", "1"));
  CALL(MPI_Comm_dup_with_info(kWorld, info, &comm));
  CALL(MPI_Info_free(&info));
  check_communicator(c, comm, everybody(c));
  CALL(MPI_Comm_free(&comm));
}

CASE(comm_idup) {
  MPI_Comm first, second;
  std::array<MPI_Request, 2> requests;
  CALL(MPI_Comm_idup(kWorld, &first, &requests[0]));
  CALL(MPI_Comm_idup(kWorld, &second, &requests[1]));
  CALL(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
  check_communicator(c, second, everybody(c));
  check_communicator(c, first, everybody(c));
  CALL(MPI_Comm_free(&first));
  CALL(MPI_Comm_free(&second));
}

#if SLUICE_MPI4
CASE(comm_idup_with_info) {
  MPI_Comm comm;
  MPI_Request request;
  CALL(MPI_Comm_idup_with_info(kWorld, MPI_INFO_NULL, &comm, &request));
  CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
  check_communicator(c, comm, everybody(c));
  CALL(MPI_Comm_free(&comm));
}
#endif

CASE(comm_create) {
  MPI_Group group = group_of(reversed(c));
  MPI_Comm comm;
  CALL(MPI_Comm_create(kWorld, group, &comm));
  CALL(MPI_Group_free(&group));
  check_communicator(c, comm, reversed(c));
  CALL(MPI_Comm_free(&comm));
}

/// First and last rank: whoever is not in the group gets nothing.
CASE(comm_create_of_some) {
  MPI_Group group = group_of({c.size - 1, 0});
  MPI_Comm comm;
  CALL(MPI_Comm_create(kWorld, group, &comm));
  CALL(MPI_Group_free(&group));
  const bool inside = c.rank == 0 || c.rank == c.size - 1;
  CHECK_EQ(comm != MPI_COMM_NULL, inside);
  if (!inside || comm == MPI_COMM_NULL) return;
  check_communicator(c, comm, {c.size - 1, 0});
  CALL(MPI_Comm_free(&comm));
}

CASE(comm_create_group) {
  if (c.rank == 0 && c.size > 2) return;
  std::vector<int> ranks = reversed(c);
  if (c.size > 2) ranks.pop_back();
  MPI_Group group = group_of(ranks);
  MPI_Comm comm;
  CALL(MPI_Comm_create_group(kWorld, group, 7, &comm));
  CALL(MPI_Group_free(&group));
  check_communicator(c, comm, ranks);
  CALL(MPI_Comm_free(&comm));
}

CASE(comm_create_empty) {
  MPI_Comm comm = kWorld;
  CALL(MPI_Comm_create(kWorld, MPI_GROUP_EMPTY, &comm));
  CHECK(comm == MPI_COMM_NULL);
}

/// From a communicator that is itself made, ranks count in that one.
CASE(comm_create_nested) {
  MPI_Group all = group_of(reversed(c));
  MPI_Comm turned, again;
  CALL(MPI_Comm_create(kWorld, all, &turned));
  CALL(MPI_Group_free(&all));
  MPI_Group of_turned, first_two;
  const std::array<int, 2> two{0, 1};
  CALL(MPI_Comm_group(turned, &of_turned));
  CALL(MPI_Group_incl(of_turned, 2, two.data(), &first_two));
  CALL(MPI_Comm_create(turned, first_two, &again));
  CALL(MPI_Group_free(&of_turned));
  CALL(MPI_Group_free(&first_two));
  if (again != MPI_COMM_NULL) {
    check_communicator(c, again, {c.size - 1, c.size - 2});
    CALL(MPI_Comm_free(&again));
  }
  CHECK(again == MPI_COMM_NULL);
  CALL(MPI_Comm_free(&turned));
}

/// Those with whom this rank may exchange, by some property, in some order: what a split gives (one communicator for
/// each set of subjects that flow both ways and each colour).
template <typename Property>
std::vector<int> together(const Case& c, Property property, bool downwards) {
  std::vector<int> ranks;
  for (int i = 0; i < c.size; ++i) {
    const int peer = downwards ? c.size - 1 - i : i;
    if (property(peer) == property(c.rank) && c.both(peer, c.rank)) ranks.push_back(peer);
  }
  return ranks;
}

CASE(comm_split) {
  const auto parity = [](int rank) { return rank % 2; };
  MPI_Comm comm;
  CALL(MPI_Comm_split(kWorld, parity(c.rank), -c.rank, &comm));
  check_communicator(c, comm, together(c, parity, true));
  check_allreduce(comm);
  CALL(MPI_Comm_free(&comm));
}

CASE(comm_split_same_key) {
  const auto all = [](int) { return 5; };
  MPI_Comm comm, parts;
  CALL(MPI_Comm_split(kWorld, 5, 0, &comm));
  check_communicator(c, comm, together(c, all, false));
  int rank = -1;
  CALL(MPI_Comm_rank(comm, &rank));
  CALL(MPI_Comm_split(comm, rank, 0, &parts));
  check_communicator(c, parts, {c.rank});
  CALL(MPI_Comm_free(&parts));
  CALL(MPI_Comm_free(&comm));
}

CASE(comm_split_undefined) {
  const auto first = [](int rank) { return rank == 0; };
  MPI_Comm comm;
  CALL(MPI_Comm_split(kWorld, c.rank == 0 ? MPI_UNDEFINED : 3, 0, &comm));
  CHECK_EQ(comm == MPI_COMM_NULL, c.rank == 0);
  if (comm == MPI_COMM_NULL) return;
  check_communicator(c, comm, together(c, first, false));
  CALL(MPI_Comm_free(&comm));
}

CASE(comm_split_type_undefined) {
  MPI_Comm comm = kWorld;
  CALL(MPI_Comm_split_type(kWorld, MPI_UNDEFINED, 0, MPI_INFO_NULL, &comm));
  CHECK(comm == MPI_COMM_NULL);
}

/// Who shares memory with this rank: on one machine everybody of the own subject.
CASE(comm_split_type_shared) {
  const auto subject = [&](int rank) { return c.subject_of(rank); };
  MPI_Comm comm;
  CALL(MPI_Comm_split_type(kWorld, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &comm));
  check_communicator(c, comm, together(c, subject, false));
  check_allreduce(comm);
  CALL(MPI_Comm_free(&comm));
}

CASE(comm_compare) {
  MPI_Group all = group_of(reversed(c));
  MPI_Comm dup, turned;
  CALL(MPI_Comm_dup(kWorld, &dup));
  CALL(MPI_Comm_create(kWorld, all, &turned));
  CALL(MPI_Group_free(&all));
  int result = -1;
  CALL(MPI_Comm_compare(kWorld, kWorld, &result));
  CHECK_EQ(result, MPI_IDENT);
  CALL(MPI_Comm_compare(kWorld, dup, &result));
  CHECK_EQ(result, MPI_CONGRUENT);
  CALL(MPI_Comm_compare(turned, kWorld, &result));
  CHECK_EQ(result, MPI_SIMILAR);
  CALL(MPI_Comm_compare(dup, MPI_COMM_SELF, &result));
  CHECK_EQ(result, MPI_UNEQUAL);
  CALL(MPI_Comm_free(&dup));
  CALL(MPI_Comm_free(&turned));
}

CASE(comm_disconnect) {
  MPI_Comm comm;
  CALL(MPI_Comm_dup(kWorld, &comm));
  check_communicator(c, comm, everybody(c));
  CALL(MPI_Comm_disconnect(&comm));
  CHECK(comm == MPI_COMM_NULL);
}

/// A communicator that is freed with a receive pending lives until that is done.
CASE(comm_free_while_receiving) {
  MPI_Comm comm;
  CALL(MPI_Comm_dup(kWorld, &comm));
  int sent = number(c.rank), got = -1;
  std::array<MPI_Request, 2> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  const bool receives = c.rank > 0, sends = c.rank + 1 < c.size;
  if (receives) CALL(MPI_Irecv(&got, 1, MPI_INT, c.rank - 1, c.tag, comm, &requests[0]));
  if (sends) CALL(MPI_Isend(&sent, 1, MPI_INT, c.rank + 1, c.tag, comm, &requests[1]));
  CALL(MPI_Comm_free(&comm));
  CALL(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
  if (receives) CHECK_EQ(got, number(c.rank - 1));
}

/// Many at the same time, each with its own messages.
CASE(many_communicators) {
  constexpr std::size_t kComms = 24;
  std::array<MPI_Comm, kComms> comms;
  for (MPI_Comm& comm : comms) CALL(MPI_Comm_dup(kWorld, &comm));
  for (std::size_t i = 0; i < kComms && c.rank + 1 < c.size; ++i) {
    const int value = number(c.rank, static_cast<int>(i));
    CALL(MPI_Send(&value, 1, MPI_INT, c.rank + 1, c.tag, comms[i]));
  }
  for (std::size_t i = kComms; i-- > 0 && c.rank > 0;) {
    int got = -1;
    CALL(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comms[i], MPI_STATUS_IGNORE));
    CHECK_EQ(got, number(c.rank - 1, static_cast<int>(i)));
  }
  for (MPI_Comm& comm : comms) CALL(MPI_Comm_free(&comm));
}

CASE(comm_handles) {
  MPI_Comm dup;
  CALL(MPI_Comm_dup(kWorld, &dup));
  CHECK(MPI_Comm_f2c(MPI_Comm_c2f(dup)) == dup);
  CHECK(MPI_Comm_f2c(MPI_Comm_c2f(kWorld)) == kWorld);
  CALL(MPI_Comm_free(&dup));
}

/// Collectives on what is made from the world.
CASE(collectives_on_made_communicators) {
  MPI_Comm dup;
  CALL(MPI_Comm_dup(kWorld, &dup));
  check_allreduce(dup);
  CALL(MPI_Comm_free(&dup));
  MPI_Group all = group_of(reversed(c));
  CALL(MPI_Comm_create(kWorld, all, &dup));
  CALL(MPI_Group_free(&all));
  check_allreduce(dup);
  CALL(MPI_Comm_free(&dup));
}

/// Attributes' callbacks are called where the standard says.
struct Calls {
  int copies = 0;
  int deletes = 0;
};
int copy_attribute(MPI_Comm, int, void* extra, void* in, void* out, int* flag) {
  ++static_cast<Calls*>(extra)->copies;
  *static_cast<void**>(out) = static_cast<int*>(in) + 1;
  *flag = 1;
  return MPI_SUCCESS;
}
int delete_attribute(MPI_Comm, int, void*, void* extra) {
  ++static_cast<Calls*>(extra)->deletes;
  return MPI_SUCCESS;
}

CASE(attributes) {
  Calls calls;
  std::array<int, 3> values{1, 2, 3};
  int keyval = MPI_KEYVAL_INVALID, found = 0, *value = nullptr;
  CALL(MPI_Comm_create_keyval(copy_attribute, delete_attribute, &keyval, &calls));
  CALL(MPI_Comm_set_attr(kWorld, keyval, values.data()));
  CALL(MPI_Comm_get_attr(kWorld, keyval, &value, &found));
  CHECK(found != 0 && value == values.data());
  MPI_Comm dup;
  CALL(MPI_Comm_dup(kWorld, &dup));
  CHECK_EQ(calls.copies, 1);
  CALL(MPI_Comm_get_attr(dup, keyval, &value, &found));
  CHECK(found != 0 && value == &values[1]);
  CALL(MPI_Comm_set_attr(dup, keyval, &values[2]));
  CHECK_EQ(calls.deletes, 1);
  CALL(MPI_Comm_free(&dup));
  CHECK_EQ(calls.deletes, 2);
  CALL(MPI_Comm_delete_attr(kWorld, keyval));
  CHECK_EQ(calls.deletes, 3);
  CALL(MPI_Comm_get_attr(kWorld, keyval, &value, &found));
  CHECK_EQ(found, 0);
  CALL(MPI_Comm_free_keyval(&keyval));
  CHECK_EQ(keyval, MPI_KEYVAL_INVALID);
}

CASE(attributes_predefined_callbacks) {
  int copied = MPI_KEYVAL_INVALID, not_copied = MPI_KEYVAL_INVALID, value = 0, found = 0, *got = nullptr;
  CALL(MPI_Comm_create_keyval(MPI_COMM_DUP_FN, MPI_COMM_NULL_DELETE_FN, &copied, nullptr));
  CALL(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &not_copied, nullptr));
  CALL(MPI_Comm_set_attr(kWorld, copied, &value));
  CALL(MPI_Comm_set_attr(kWorld, not_copied, &value));
  MPI_Comm dup;
  CALL(MPI_Comm_dup(kWorld, &dup));
  CALL(MPI_Comm_get_attr(dup, copied, &got, &found));
  CHECK(found != 0 && got == &value);
  CALL(MPI_Comm_get_attr(dup, not_copied, &got, &found));
  CHECK_EQ(found, 0);
  CALL(MPI_Comm_free(&dup));
  for (int* keyval : {&copied, &not_copied}) {
    CALL(MPI_Comm_delete_attr(kWorld, *keyval));
    CALL(MPI_Comm_free_keyval(keyval));
  }
}

CASE(communicator_names) {
  char name[MPI_MAX_OBJECT_NAME] = "";
  int length = -1;
  CALL(MPI_Comm_get_name(kWorld, name, &length));
  CHECK_EQ(std::string(name), "MPI_COMM_WORLD");
  CHECK_EQ(length, 14);
  MPI_Comm dup;
  CALL(MPI_Comm_dup(kWorld, &dup));
  CALL(MPI_Comm_set_name(dup, "halo"));
  CALL(MPI_Comm_get_name(dup, name, &length));
  CHECK_EQ(std::string(name), "halo");
  CALL(MPI_Comm_free(&dup));
}

CASE(communicator_info) {
  MPI_Info info, used;
  CALL(MPI_Info_create(&info));
  CALL(MPI_Comm_set_info(kWorld, info));
  CALL(MPI_Comm_get_info(kWorld, &used));
  CHECK(used != MPI_INFO_NULL);
  CALL(MPI_Info_free(&used));
  CALL(MPI_Info_free(&info));
}

}  // namespace
}  // namespace sluice::conformance
