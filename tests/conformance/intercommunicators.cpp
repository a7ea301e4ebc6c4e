// Intercommunicators (MPI 3.1, section 6.6), and the calls that start or join other jobs (chapter 10).
#include "tests/conformance/intercommunicators.hpp"

#include <unistd.h>

#include <array>

#include "tests/conformance/communicators.hpp"

#if SLUICE_MPI4 == 0
#include <mpi-ext.h>
#endif

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

CASE(intercomm_create) {
  each_bridge(c, [&](const Bridge& b) {
    int inter = 0, size = 0, remote = 0, rank = -1;
    CALL(MPI_Comm_test_inter(b.between, &inter));
    CHECK(inter != 0);
    CALL(MPI_Comm_size(b.between, &size));
    CALL(MPI_Comm_remote_size(b.between, &remote));
    CALL(MPI_Comm_rank(b.between, &rank));
    CHECK_EQ(size, b.local());
    CHECK_EQ(remote, b.remote());
    CHECK_EQ(rank, b.rank);
    MPI_Group group, world;
    CALL(MPI_Comm_group(kWorld, &world));
    CALL(MPI_Comm_remote_group(b.between, &group));
    CALL(MPI_Group_size(group, &size));
    CHECK_EQ(size, remote);
    for (int i = 0; i < remote; ++i) {
      int found = -1;
      CALL(MPI_Group_translate_ranks(group, 1, &i, world, &found));
      CHECK_EQ(found, b.theirs[static_cast<std::size_t>(i)]);
    }
    CALL(MPI_Group_free(&group));
    CALL(MPI_Group_free(&world));
  });
}

/// Between a subject and one that it has no flow to or from.
CASE(intercomm_create_apart) {
  const int last = c.size - 1;
  if (c.flow(0, last) || c.flow(last, 0)) return;
  MPI_Comm between = MPI_COMM_NULL;
  if (c.subject_of(c.rank) != c.subject_of(0) && c.subject_of(c.rank) != c.subject_of(last)) return;
  const int other = c.subject_of(c.rank) == c.subject_of(0) ? last : 0;
  int size = 0;
  CALL(MPI_Comm_size(c.subject, &size));
  CALL(MPI_Intercomm_create(c.subject, other == 0 ? size - 1 : 0, kWorld, other, c.tag, &between));
}

void check_messages(const Case& c, const Bridge& b, MPI_Comm between) {
  if (b.rank >= b.remote()) return;
  const int peer = b.theirs[static_cast<std::size_t>(b.rank)];
  const int sent = number(c.rank);
  int got = -1;
  MPI_Status status;
  if (c.flow(c.rank, peer)) CALL(MPI_Send(&sent, 1, MPI_INT, b.rank, c.tag, between));
  if (c.flow(peer, c.rank)) {
    CALL(MPI_Recv(&got, 1, MPI_INT, b.rank, c.tag, between, &status));
    CHECK_EQ(got, number(peer));
    CHECK_STATUS(status, b.rank, c.tag, 1, MPI_INT);
    CALL(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, c.tag + 1, between, &status));
    CHECK_STATUS(status, b.rank, c.tag + 1, 1, MPI_INT);
  }
}

CASE(intercomm_messages) {
  each_bridge(c, [&](const Bridge& b) {
    const int value = number(c.rank, 1);
    MPI_Request second = MPI_REQUEST_NULL;
    const bool sends = b.rank < b.remote() && c.flow(c.rank, b.theirs[static_cast<std::size_t>(b.rank)]);
    if (sends) CALL(MPI_Isend(&value, 1, MPI_INT, b.rank, c.tag + 1, b.between, &second));
    check_messages(c, b, b.between);
    if (sends) CALL(MPI_Wait(&second, MPI_STATUS_IGNORE));
    if (c.all_both()) return;
    // Against the flow.
    int got = -1;
    c.attempt("against", [&] {
      if (!c.flow(b.theirs.front(), c.rank))
        CALL(MPI_Recv(&got, 1, MPI_INT, 0, c.tag + 2, b.between, MPI_STATUS_IGNORE));
      if (!c.flow(c.rank, b.theirs.front())) CALL(MPI_Send(&value, 1, MPI_INT, 0, c.tag + 2, b.between));
    });
  });
}

/// The copy is used, and freed.
void check_copy(const Case& c, const Bridge& b, MPI_Comm copy) {
  int result = -1;
  CALL(MPI_Comm_compare(b.between, copy, &result));
  CHECK_EQ(result, MPI_CONGRUENT);
  const int value = number(c.rank, 1);
  MPI_Request second = MPI_REQUEST_NULL;
  const bool sends = b.rank < b.remote() && c.flow(c.rank, b.theirs[static_cast<std::size_t>(b.rank)]);
  if (sends) CALL(MPI_Isend(&value, 1, MPI_INT, b.rank, c.tag + 1, copy, &second));
  check_messages(c, b, copy);
  if (sends) CALL(MPI_Wait(&second, MPI_STATUS_IGNORE));
  CALL(MPI_Comm_free(&copy));
}

CASE(intercomm_duplicate) {
  each_bridge(c, [&](const Bridge& b) {
    MPI_Comm copy = MPI_COMM_NULL;
    CALL(MPI_Comm_dup(b.between, &copy));
    check_copy(c, b, copy);
  });
}

CASE(intercomm_duplicate_with_info) {
  each_bridge(c, [&](const Bridge& b) {
    MPI_Comm copy = MPI_COMM_NULL;
    CALL(MPI_Comm_dup_with_info(b.between, MPI_INFO_NULL, &copy));
    check_copy(c, b, copy);
  });
}

/// Twice at once, and a copy of a copy whose original is gone.
CASE(intercomm_idup) {
  each_bridge(c, [&](const Bridge& b) {
    std::array<MPI_Comm, 2> copies{MPI_COMM_NULL, MPI_COMM_NULL};
    std::array<MPI_Request, 2> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    for (std::size_t i = 0; i < 2; ++i) CALL(MPI_Comm_idup(b.between, &copies[i], &requests[i]));
    CALL(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
    check_copy(c, b, copies[0]);
    MPI_Comm third = MPI_COMM_NULL;
    CALL(MPI_Comm_dup(copies[1], &third));
    CALL(MPI_Comm_free(&copies[1]));
    check_copy(c, b, third);
  });
}

/// `made` is between these lists of world ranks, this rank's first, and messages go over it; it is freed. Where this
/// rank is in none of them it is null.
void check_child(const Case& c, MPI_Comm made, const std::vector<int>& ours, const std::vector<int>& theirs) {
  const auto found = std::find(ours.begin(), ours.end(), c.rank);
  if (found == ours.end() || theirs.empty()) {
    CHECK(made == MPI_COMM_NULL);
    return;
  }
  int inter = 0, rank = -1;
  CALL(MPI_Comm_test_inter(made, &inter));
  CHECK(inter != 0);
  CALL(MPI_Comm_rank(made, &rank));
  CHECK_EQ(rank, found - ours.begin());
  MPI_Group group = MPI_GROUP_NULL;
  CALL(MPI_Comm_group(made, &group));
  CHECK(members_of(group) == ours);
  CALL(MPI_Comm_remote_group(made, &group));
  CHECK(members_of(group) == theirs);
  CALL(MPI_Comm_set_errhandler(made, MPI_ERRORS_RETURN));  // MPICH's does not inherit it
  const auto peer = static_cast<std::size_t>(rank);
  if (peer < theirs.size()) {
    const int sent = number(c.rank, 3);
    int got = -1;
    if (c.flow(c.rank, theirs[peer])) CALL(MPI_Send(&sent, 1, MPI_INT, rank, c.tag + 5, made));
    if (c.flow(theirs[peer], c.rank)) {
      CALL(MPI_Recv(&got, 1, MPI_INT, rank, c.tag + 5, made, MPI_STATUS_IGNORE));
      CHECK_EQ(got, number(theirs[peer], 3));
    }
  }
  CALL(MPI_Comm_free(&made));
}

/// From a group by world ranks.
MPI_Comm create_of(const Bridge& b, const std::vector<int>& members) {
  MPI_Group world = MPI_GROUP_NULL, group = MPI_GROUP_NULL;
  MPI_Comm made = MPI_COMM_NULL;
  CALL(MPI_Comm_group(kWorld, &world));
  CALL(MPI_Group_incl(world, static_cast<int>(members.size()), members.data(), &group));
  const int error = MPI_Comm_create(b.between, group, &made);
  CALL(MPI_Group_free(&group));
  CALL(MPI_Group_free(&world));
  require(error, "MPI_Comm_create", __FILE__, __LINE__);
  return made;
}

/// Those of a group that are chosen: all but the first, the last one first; of a group of one, it.
std::vector<int> chosen_of(const std::vector<int>& group) {
  std::vector<int> chosen(group.rbegin(), group.rend());
  if (chosen.size() > 1) chosen.pop_back();
  return chosen;
}

/// Each side chooses its members. Over a one-way flow the higher one, of which the lower may not learn, stays as it is.
CASE(intercomm_create_from) {
  each_bridge(c, [&](const Bridge& b) {
    const bool may_send = c.flow(b.ours.front(), b.theirs.front());
    const bool may_receive = c.flow(b.theirs.front(), b.ours.front());
    const std::vector<int> ours = may_send ? chosen_of(b.ours) : b.ours;
    const std::vector<int> theirs = may_receive ? chosen_of(b.theirs) : b.theirs;
    const MPI_Comm made = create_of(b, ours);
    check_child(c, made, ours, theirs);
    // A communicator is still made after that, and everybody knows which.
    MPI_Comm copy = MPI_COMM_NULL;
    CALL(MPI_Comm_dup(b.between, &copy));
    check_copy(c, b, copy);
  });
}

/// Where the higher side chooses nevertheless, it is refused there, and there alone.
CASE(intercomm_create_from_above) {
  each_bridge(c, [&](const Bridge& b) {
    std::vector<int> ours(b.ours.rbegin(), b.ours.rend());
    if (b.local() == 1 && !c.flow(b.ours.front(), b.theirs.front())) ours.clear();  // one has no other order
    const bool may_receive = c.flow(b.theirs.front(), b.ours.front());
    const std::vector<int> theirs(b.theirs.rbegin(), b.theirs.rend());
    const MPI_Comm made = create_of(b, ours);
    check_child(c, made, ours, may_receive ? theirs : b.theirs);
  });
}

/// By colours on both sides, with keys that turn the order round; one colour is on the first side alone.
CASE(intercomm_split) {
  each_bridge(c, [&](const Bridge& b) {
    const auto of_color = [](const std::vector<int>& group, int wanted) {
      std::vector<int> found;
      for (std::size_t i = group.size(); i > 0; --i) {
        if (static_cast<int>(i - 1) % 2 == wanted) found.push_back(group[i - 1]);
      }
      return found;
    };
    const int color = b.rank % 2;
    MPI_Comm made = MPI_COMM_NULL;
    CALL(MPI_Comm_split(b.between, color, -b.rank, &made));
    check_child(c, made, of_color(b.ours, color), of_color(b.theirs, color));
    CALL(MPI_Comm_split(b.between, b.first ? 5 : MPI_UNDEFINED, 0, &made));
    CHECK(made == MPI_COMM_NULL);
  });
}

/// Of an intracommunicator alone (hosts differ in what they say inside a subject).
CASE(intercomm_create_group) {
  if (c.one_subject()) return;
  each_bridge(c, [&](const Bridge& b) {
    MPI_Group group = MPI_GROUP_NULL;
    MPI_Comm made = MPI_COMM_NULL;
    CALL(MPI_Comm_group(b.between, &group));
    CALL(MPI_Comm_set_errhandler(b.between, MPI_ERRORS_RETURN));
    CALL_FAILS(MPI_ERR_COMM, MPI_Comm_create_group(b.between, group, c.tag, &made));
    CALL(MPI_Group_free(&group));
  });
}

CASE(intercomm_merge) {
  each_bridge(c, [&](const Bridge& b) {
    MPI_Comm all;
    CALL(MPI_Intercomm_merge(b.between, b.first ? 1 : 0, &all));
    std::vector<int> expected = b.first ? b.theirs : b.ours;
    const std::vector<int>& rest = b.first ? b.ours : b.theirs;
    expected.insert(expected.end(), rest.begin(), rest.end());
    check_communicator(c, all, expected);
    check_allreduce(all);
    CALL(MPI_Comm_free(&all));
  });
}

/// Who waits in the call still takes messages that others wait to get rid of before they come to it.
CASE(intercomm_merge_while_receiving) {
  if (!c.all_both()) return;
  each_bridge(c, [&](const Bridge& b) {
    const int sender = b.first ? b.ours.front() : b.theirs.front();
    const int receiver = b.first ? b.theirs.back() : b.ours.back();
    int got = -1;
    const int sent = number(sender, 4);
    MPI_Request request = MPI_REQUEST_NULL;
    if (c.rank == receiver) CALL(MPI_Irecv(&got, 1, MPI_INT, sender, c.tag + 7, kWorld, &request));
    if (c.rank == sender) CALL(MPI_Ssend(&sent, 1, MPI_INT, receiver, c.tag + 7, kWorld));
    MPI_Comm all = MPI_COMM_NULL;
    CALL(MPI_Intercomm_merge(b.between, b.first ? 1 : 0, &all));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    if (c.rank == receiver) CHECK_EQ(got, sent);
    CALL(MPI_Comm_free(&all));
  });
}

/// Starting further processes is refused where the communicator spans subjects. On the bare host nothing is started.
CASE(processes_of_the_world) {
  if (c.one_subject()) return;
  MPI_Comm made = MPI_COMM_NULL;
  std::array<char, MPI_MAX_PORT_NAME> port{"none"};
  std::array<char, 10> program{"/bin/true"};
  std::array<char*, 1> programs{program.data()};
  const std::array<int, 1> counts{1};
  const std::array<MPI_Info, 1> infos{MPI_INFO_NULL};
  c.attempt("", [&] {
    CALL(MPI_Comm_spawn("/bin/true", MPI_ARGV_NULL, 1, MPI_INFO_NULL, 0, kWorld, &made, MPI_ERRCODES_IGNORE));
  });
  c.attempt("", [&] {
    CALL(MPI_Comm_spawn_multiple(1, programs.data(), MPI_ARGVS_NULL, counts.data(), infos.data(), 0, kWorld, &made,
                                 MPI_ERRCODES_IGNORE));
  });
  c.attempt("", [&] { CALL(MPI_Comm_accept(port.data(), MPI_INFO_NULL, 0, kWorld, &made)); });
  c.attempt("", [&] { CALL(MPI_Comm_connect(port.data(), MPI_INFO_NULL, 0, kWorld, &made)); });
}

#if SLUICE_MPI4
/// MPICH's fault tolerance: refused where the communicator spans subjects.
CASE(failures_of_the_world) {
  if (c.one_subject()) return;
  MPI_Comm made = MPI_COMM_NULL;
  MPI_Group group = MPI_GROUP_NULL;
  int flag = 1;
  c.attempt("", [&] { CALL(MPIX_Comm_failure_ack(kWorld)); });
  c.attempt("", [&] { CALL(MPIX_Comm_failure_get_acked(kWorld, &group)); });
  c.attempt("", [&] { CALL(MPIX_Comm_agree(kWorld, &flag)); });
  c.attempt("", [&] { CALL(MPIX_Comm_shrink(kWorld, &made)); });
  c.attempt("", [&] { CALL(MPIX_Comm_revoke(kWorld)); });
}
#endif

}  // namespace
}  // namespace sluice::conformance
