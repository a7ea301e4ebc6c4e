// Intercommunicators between subjects.
//
// usage: intercommunicators both      all subjects flow both ways
//        intercommunicators upwards   the first subject may send to the second, and nothing else
//        intercommunicators apart     no subject may send to another
//        intercommunicators line      three subjects; the first and the second flow both ways, the second and the third
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

struct World {
  int rank = 0;
  int size = 0;
};

World world() {
  World found;
  MPI_Comm_rank(MPI_COMM_WORLD, &found.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &found.size);
  return found;
}

/// World ranks of a group.
std::vector<int> members(MPI_Group group) {
  int size = 0;
  MPI_Group_size(group, &size);
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::vector<int> found(ranks.size());
  std::iota(ranks.begin(), ranks.end(), 0);
  MPI_Group all = MPI_GROUP_NULL;
  MPI_Comm_group(MPI_COMM_WORLD, &all);
  MPI_Group_translate_ranks(group, size, ranks.data(), all, found.data());
  MPI_Group_free(&all);
  return found;
}

/// The intercommunicator between those whose world rank has colour 0 and those with colour 1.
struct Bridge {
  MPI_Comm local = MPI_COMM_NULL;
  MPI_Comm inter = MPI_COMM_NULL;
  std::vector<int> own;    // world ranks
  std::vector<int> other;  // the same of the remote group
};

template <typename Colour>
Bridge build(Colour&& colour_of) {
  const World all = world();
  Bridge bridge;
  const int colour = colour_of(all.rank);
  for (int rank = 0; rank < all.size; ++rank) (colour_of(rank) == colour ? bridge.own : bridge.other).push_back(rank);
  CHECK_EQ(MPI_Comm_split(MPI_COMM_WORLD, colour, all.rank, &bridge.local), MPI_SUCCESS);
  // Not the first of each group, to see that leaders are looked up.
  const int leader = static_cast<int>(bridge.own.size()) - 1;
  CHECK_EQ(MPI_Intercomm_create(bridge.local, leader, MPI_COMM_WORLD, bridge.other.back(), 7, &bridge.inter),
           MPI_SUCCESS);
  return bridge;
}

void free_bridge(Bridge& bridge) {
  CHECK_EQ(MPI_Comm_free(&bridge.inter), MPI_SUCCESS);
  CHECK(bridge.inter == MPI_COMM_NULL);
  MPI_Comm_free(&bridge.local);
}

void check_groups(MPI_Comm inter, const Bridge& bridge) {
  int flag = 0;
  int size = 0;
  int remote = 0;
  int rank = -1;
  CHECK_EQ(MPI_Comm_test_inter(inter, &flag), MPI_SUCCESS);
  CHECK_EQ(flag, 1);
  MPI_Comm_size(inter, &size);
  MPI_Comm_remote_size(inter, &remote);
  MPI_Comm_rank(inter, &rank);
  CHECK_EQ(size, bridge.own.size());
  CHECK_EQ(remote, bridge.other.size());
  CHECK_EQ(bridge.own[static_cast<std::size_t>(rank)], world().rank);
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Comm_group(inter, &group);
  CHECK(members(group) == bridge.own);
  MPI_Group_free(&group);
  MPI_Comm_remote_group(inter, &group);
  CHECK(members(group) == bridge.other);
  MPI_Group_free(&group);
}

/// Everybody sends to everybody of the remote group, and receives by rank, and then from any source.
void check_messages(MPI_Comm inter, const Bridge& bridge) {
  const int self = world().rank;
  std::vector<MPI_Request> sends;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t peer = 0; peer < bridge.other.size(); ++peer) {
      MPI_Isend(&self, 1, MPI_INT, static_cast<int>(peer), round, inter, &sends.emplace_back());
    }
  }
  for (std::size_t peer = 0; peer < bridge.other.size(); ++peer) {
    int got = -1;
    MPI_Status status;
    CHECK_EQ(MPI_Recv(&got, 1, MPI_INT, static_cast<int>(peer), 0, inter, &status), MPI_SUCCESS);
    CHECK_EQ(got, bridge.other[peer]);
    CHECK_EQ(status.MPI_SOURCE, peer);
  }
  std::vector<int> sources;
  for (std::size_t i = 0; i < bridge.other.size(); ++i) {
    int got = -1;
    MPI_Status status;
    CHECK_EQ(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, 1, inter, &status), MPI_SUCCESS);
    CHECK_EQ(got, bridge.other[static_cast<std::size_t>(status.MPI_SOURCE)]);
    sources.push_back(status.MPI_SOURCE);
  }
  std::sort(sources.begin(), sources.end());
  CHECK(std::adjacent_find(sources.begin(), sources.end()) == sources.end());
  MPI_Waitall(static_cast<int>(sends.size()), sends.data(), MPI_STATUSES_IGNORE);
}

void check_duplicate(const Bridge& bridge) {
  MPI_Comm copy = MPI_COMM_NULL;
  int result = -1;
  CHECK_EQ(MPI_Comm_dup(bridge.inter, &copy), MPI_SUCCESS);
  MPI_Comm_compare(bridge.inter, copy, &result);
  CHECK_EQ(result, MPI_CONGRUENT);
  MPI_Comm_compare(bridge.inter, MPI_COMM_WORLD, &result);
  CHECK_EQ(result, MPI_UNEQUAL);
  check_groups(copy, bridge);
  check_messages(copy, bridge);
  CHECK_EQ(MPI_Comm_free(&copy), MPI_SUCCESS);
}

/// The members of a merged communicator, and that messages travel in it.
void check_merged(const Bridge& bridge, int high, std::vector<int> expected) {
  MPI_Comm merged = MPI_COMM_NULL;
  CHECK_EQ(MPI_Intercomm_merge(bridge.inter, high, &merged), MPI_SUCCESS);
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Comm_group(merged, &group);
  CHECK(members(group) == expected);
  MPI_Group_free(&group);
  const int size = static_cast<int>(expected.size());
  int rank = 0;
  MPI_Comm_rank(merged, &rank);
  int got = -1;
  MPI_Sendrecv(&rank, 1, MPI_INT, (rank + 1) % size, 3, &got, 1, MPI_INT, (rank + size - 1) % size, 3, merged,
               MPI_STATUS_IGNORE);
  CHECK_EQ(got, (rank + size - 1) % size);
  MPI_Comm_free(&merged);
}

void check_merges(const Bridge& bridge, bool first) {
  std::vector<int> low_first = bridge.own;
  low_first.insert(low_first.end(), bridge.other.begin(), bridge.other.end());
  std::vector<int> other_first = bridge.other;
  other_first.insert(other_first.end(), bridge.own.begin(), bridge.own.end());
  check_merged(bridge, first ? 0 : 1, first ? low_first : other_first);
  check_merged(bridge, first ? 1 : 0, first ? other_first : low_first);
  // Where both say the same, the one with the smaller first world rank comes first.
  check_merged(bridge, 0, bridge.own.front() < bridge.other.front() ? low_first : other_first);
}

template <typename Colour>
void check_bridge(const char* name, Colour&& colour_of) {
  Verdict::get().begin(name);
  Bridge bridge = build(colour_of);
  check_groups(bridge.inter, bridge);
  check_messages(bridge.inter, bridge);
  check_duplicate(bridge);
  check_merges(bridge, colour_of(world().rank) == 0);
  free_bridge(bridge);
}

void both_ways() {
  const auto subject_of = [](int rank) {
    int subject = 0;
    MPIX_Subject_of_rank(rank, &subject);
    return subject == 0 ? 0 : 1;
  };
  check_bridge("by subject", subject_of);
  check_bridge("every other rank", [](int rank) { return rank % 2; });
  check_bridge("one against all", [](int rank) { return rank == 0 ? 0 : 1; });
  check_bridge("again", [](int rank) { return rank % 2; });
}

/// The call was refused by name, and the text says `what`.
void check_refused(int error, const char* function, const std::string& what) {
  int error_class = 0;
  MPI_Error_class(error, &error_class);
  CHECK_EQ(error_class, MPIX_ERR_FLOW);
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(error, text, &length);
  if (std::string(text).find(function) == std::string::npos || std::string(text).find(what) == std::string::npos) {
    Verdict::get().check(false, function, text, __FILE__, __LINE__);
  }
}

/// Two subjects.
struct Sides {
  int mine = 0;
  int first = 0;  // world rank
  int other_first = 0;
  int other_count = 0;
  MPI_Comm subject = MPI_COMM_SUBJECT;

  Sides() {
    MPIX_Subject_mine(&mine);
    MPIX_Subject_ranks(mine, &first, nullptr);
    MPIX_Subject_ranks(1 - mine, &other_first, &other_count);
    MPI_Comm_set_errhandler(subject, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  }
};

/// Everyone below sends to everyone above; the other way both calls are refused.
void check_upward_messages(MPI_Comm inter, const Bridge& bridge, bool low) {
  const int self = world().rank;
  int got = -1;
  for (std::size_t peer = 0; peer < bridge.other.size(); ++peer) {
    const int rank = static_cast<int>(peer);
    MPI_Status status;
    if (low) {
      CHECK_EQ(MPI_Send(&self, 1, MPI_INT, rank, 5, inter), MPI_SUCCESS);
      check_refused(MPI_Recv(&got, 1, MPI_INT, rank, 5, inter, &status), "MPI_Recv", "UNCLASSIFIED");
    } else {
      CHECK_EQ(MPI_Recv(&got, 1, MPI_INT, rank, 5, inter, &status), MPI_SUCCESS);
      CHECK_EQ(got, bridge.other[peer]);
      CHECK_EQ(status.MPI_SOURCE, rank);
      check_refused(MPI_Send(&self, 1, MPI_INT, rank, 5, inter), "MPI_Send", "UNCLASSIFIED");
    }
  }
}

/// The argument `root` at this rank, for a root in the local group or in the remote one.
int root_argument(const Bridge& bridge, bool here, int root) {
  if (!here) return root;
  return bridge.own[static_cast<std::size_t>(root)] == world().rank ? MPI_ROOT : MPI_PROC_NULL;
}

int legal_kinds(MPI_Comm comm, int root) {
  int legal = -1;
  CHECK_EQ(MPIX_Comm_collectives(comm, root, &legal), MPI_SUCCESS);
  return legal;
}

/// What goes up works with each root; what would come down is refused everywhere with the same pair.
void check_collectives_upwards(const Bridge& bridge, bool low) {
  Verdict::get().begin("collectives upwards");
  const int self = world().rank;
  const MPI_Comm inter = bridge.inter;
  const std::string pair = "high (SECRET) may not send to low (UNCLASSIFIED)";
  for (std::size_t root = 0; root < (low ? bridge.own : bridge.other).size(); ++root) {
    const int argument = root_argument(bridge, low, static_cast<int>(root));
    int told = argument == MPI_ROOT ? 40 + self : -1;
    CHECK_EQ(legal_kinds(inter, argument), MPIX_COLLECTIVES_FROM_ROOT);
    CHECK_EQ(MPI_Bcast(&told, 1, MPI_INT, argument, inter), MPI_SUCCESS);
    if (!low) CHECK_EQ(told, 40 + bridge.other[root]);
    check_refused(MPI_Reduce(&self, &told, 1, MPI_INT, MPI_SUM, argument, inter), "MPI_Reduce", pair);
  }
  for (std::size_t root = 0; root < (low ? bridge.other : bridge.own).size(); ++root) {
    const int argument = root_argument(bridge, !low, static_cast<int>(root));
    std::vector<int> all(bridge.other.size(), -1);
    int told = -1;
    CHECK_EQ(legal_kinds(inter, argument), MPIX_COLLECTIVES_TO_ROOT);
    CHECK_EQ(MPI_Gather(&self, 1, MPI_INT, all.data(), 1, MPI_INT, argument, inter), MPI_SUCCESS);
    if (argument == MPI_ROOT) CHECK(all == bridge.other);
    check_refused(MPI_Bcast(&told, 1, MPI_INT, argument, inter), "MPI_Bcast", pair);
  }
  check_refused(MPI_Barrier(inter), "MPI_Barrier", pair);
}

Bridge build_upwards(const Sides& sides, int tag) {
  Bridge bridge;
  int flag = 0;
  MPI_Comm_dup(sides.subject, &bridge.local);
  MPI_Comm_set_errhandler(bridge.local, MPI_ERRORS_RETURN);
  for (int rank = 0; rank < world().size; ++rank) {
    MPIX_Subject_of_rank(rank, &flag);
    (flag == sides.mine ? bridge.own : bridge.other).push_back(rank);
  }
  CHECK_EQ(MPI_Intercomm_create(bridge.local, 0, MPI_COMM_WORLD, sides.other_first, tag, &bridge.inter), MPI_SUCCESS);
  return bridge;
}

/// The lower side turns its group round, the higher one stays as it is; what goes up goes up on what is made so.
void children_upwards(const Bridge& bridge, bool low) {
  Verdict::get().begin("made from one upwards");
  Bridge copy = bridge;
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(MPI_Comm_idup(bridge.inter, &copy.inter, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  check_groups(copy.inter, copy);
  check_upward_messages(copy.inter, copy, low);

  Bridge turned = bridge;
  std::vector<int>& below = low ? turned.own : turned.other;
  std::reverse(below.begin(), below.end());
  MPI_Group all = MPI_GROUP_NULL, group = MPI_GROUP_NULL;
  MPI_Comm_group(MPI_COMM_WORLD, &all);
  MPI_Group_incl(all, static_cast<int>(turned.own.size()), turned.own.data(), &group);
  CHECK_EQ(MPI_Comm_create(copy.inter, group, &turned.inter), MPI_SUCCESS);
  MPI_Group_free(&group);
  MPI_Group_free(&all);
  check_groups(turned.inter, turned);
  check_upward_messages(turned.inter, turned, low);
  check_collectives_upwards(turned, low);
  MPI_Comm split = MPI_COMM_NULL;
  check_refused(MPI_Comm_split(turned.inter, 0, 0, &split), "MPI_Comm_split", "SECRET");
  CHECK_EQ(MPI_Comm_free(&turned.inter), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_free(&copy.inter), MPI_SUCCESS);
}

void one_way(const Sides& sides) {
  const bool low = sides.mine == 0;
  Verdict::get().begin("upwards");
  Bridge bridge = build_upwards(sides, 1);
  check_groups(bridge.inter, bridge);
  check_upward_messages(bridge.inter, bridge, low);

  check_collectives_upwards(bridge, low);

  Verdict::get().begin("duplicate upwards");
  MPI_Comm copy = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_dup(bridge.inter, &copy), MPI_SUCCESS);
  check_groups(copy, bridge);
  Bridge again = build_upwards(sides, 1);
  // Messages on one are not taken for messages on another.
  const int self = world().rank;
  if (low && self == 0) {
    const int values[] = {1, 2, 3};
    MPI_Send(&values[0], 1, MPI_INT, 0, 9, bridge.inter);
    MPI_Send(&values[1], 1, MPI_INT, 0, 9, copy);
    MPI_Send(&values[2], 1, MPI_INT, 0, 9, again.inter);
  } else if (!low && self == sides.first) {
    int got[] = {-1, -1, -1};
    MPI_Recv(&got[2], 1, MPI_INT, 0, 9, again.inter, MPI_STATUS_IGNORE);
    MPI_Recv(&got[1], 1, MPI_INT, MPI_ANY_SOURCE, 9, copy, MPI_STATUS_IGNORE);
    MPI_Recv(&got[0], 1, MPI_INT, 0, MPI_ANY_TAG, bridge.inter, MPI_STATUS_IGNORE);
    CHECK(got[0] == 1 && got[1] == 2 && got[2] == 3);
  }
  check_upward_messages(copy, bridge, low);
  CHECK_EQ(MPI_Comm_free(&copy), MPI_SUCCESS);
  free_bridge(again);

  children_upwards(bridge, low);

  Verdict::get().begin("merge upwards");
  MPI_Comm merged = MPI_COMM_NULL;
  check_refused(MPI_Intercomm_merge(bridge.inter, low ? 0 : 1, &merged), "MPI_Intercomm_merge", "SECRET");
  free_bridge(bridge);
}

/// The lower side knows all ranks of the subject above in their order; another group is refused there.
void other_group(const Sides& sides) {
  Verdict::get().begin("another group above");
  const bool low = sides.mine == 0;
  MPI_Comm reversed = MPI_COMM_NULL;
  MPI_Comm inter = MPI_COMM_NULL;
  MPI_Comm_split(sides.subject, 0, low ? 0 : -world().rank, &reversed);
  int leader = 0;  // the first world rank of the own subject
  int size = 0;
  MPI_Comm_size(reversed, &size);
  if (!low) leader = size - 1;
  MPI_Comm_set_errhandler(reversed, MPI_ERRORS_RETURN);
  const int error = MPI_Intercomm_create(reversed, leader, MPI_COMM_WORLD, sides.other_first, 4, &inter);
  if (low) {
    CHECK_EQ(error, MPI_SUCCESS);
    MPI_Comm_free(&inter);
  } else {
    check_refused(error, "MPI_Intercomm_create", "SECRET");
  }
  MPI_Comm_free(&reversed);
}

/// Inside the second subject, which has two ranks, it is the host MPI's own.
void inside(const Sides& sides) {
  Verdict::get().begin("inside a subject");
  int rank = 0;
  int size = 0;
  MPI_Comm_rank(sides.subject, &rank);
  MPI_Comm_size(sides.subject, &size);
  if (size < 2) return;
  MPI_Comm inter = MPI_COMM_NULL;
  const int peer = rank == 0 ? sides.first + 1 : sides.first;
  CHECK_EQ(MPI_Intercomm_create(MPI_COMM_SELF, 0, MPI_COMM_WORLD, peer, 2, &inter), MPI_SUCCESS);
  int remote = 0;
  MPI_Comm_remote_size(inter, &remote);
  CHECK_EQ(remote, 1);
  int got = -1;
  MPI_Sendrecv(&rank, 1, MPI_INT, 0, 0, &got, 1, MPI_INT, 0, 0, inter, MPI_STATUS_IGNORE);
  CHECK_EQ(got, 1 - rank);
  MPI_Comm_free(&inter);
}

void upwards() {
  const Sides sides;
  one_way(sides);
  other_group(sides);
  inside(sides);
}

/// The first subject on one side, the two others on the other. The first reaches the third through the second, which
/// has the data; nothing goes the other way with a root there, as it would pass ranks that do not know the call.
void line() {
  Verdict::get().begin("line");
  Bridge bridge;
  std::vector<int> first;
  std::vector<int> rest;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  for (int rank = 0; rank < world().size; ++rank) {
    int subject = 0;
    MPIX_Subject_of_rank(rank, &subject);
    (subject == 0 ? first : rest).push_back(rank);
  }
  const bool here = std::find(first.begin(), first.end(), world().rank) != first.end();
  bridge.own = here ? first : rest;
  bridge.other = here ? rest : first;
  MPI_Group all = MPI_GROUP_NULL;
  MPI_Group own = MPI_GROUP_NULL;
  MPI_Comm_group(MPI_COMM_WORLD, &all);
  MPI_Group_incl(all, static_cast<int>(bridge.own.size()), bridge.own.data(), &own);
  MPI_Comm_create(MPI_COMM_WORLD, own, &bridge.local);
  MPI_Comm_set_errhandler(bridge.local, MPI_ERRORS_RETURN);  // MPICH's own does not inherit the world's
  MPI_Group_free(&own);
  MPI_Group_free(&all);
  CHECK_EQ(MPI_Intercomm_create(bridge.local, 0, MPI_COMM_WORLD, bridge.other.front(), 7, &bridge.inter), MPI_SUCCESS);
  check_groups(bridge.inter, bridge);
  const int self = world().rank;
  const int root = root_argument(bridge, here, 0);
  int told = root == MPI_ROOT ? 77 : -1;
  CHECK_EQ(legal_kinds(bridge.inter, root), MPIX_COLLECTIVES_FROM_ROOT | MPIX_COLLECTIVES_TO_ROOT);
  CHECK_EQ(MPI_Bcast(&told, 1, MPI_INT, root, bridge.inter), MPI_SUCCESS);
  if (!here) CHECK_EQ(told, 77);
  std::vector<int> got(bridge.other.size(), -1);
  CHECK_EQ(MPI_Gather(&self, 1, MPI_INT, got.data(), 1, MPI_INT, root, bridge.inter), MPI_SUCCESS);
  if (root == MPI_ROOT) CHECK(got == bridge.other);
  int sum = -1;
  CHECK_EQ(MPI_Reduce(&self, &sum, 1, MPI_INT, MPI_SUM, root, bridge.inter), MPI_SUCCESS);
  if (root == MPI_ROOT) CHECK_EQ(sum, std::accumulate(rest.begin(), rest.end(), 0));
  const int other_root = root_argument(bridge, !here, 0);
  CHECK_EQ(legal_kinds(bridge.inter, other_root), 0);
  check_refused(MPI_Bcast(&told, 1, MPI_INT, other_root, bridge.inter), "MPI_Bcast", "may not send to");
  check_refused(MPI_Barrier(bridge.inter), "MPI_Barrier", "may not send to");
  free_bridge(bridge);
}

void apart() {
  const Sides sides;
  Verdict::get().begin("apart");
  MPI_Comm inter = MPI_COMM_NULL;
  check_refused(MPI_Intercomm_create(sides.subject, 0, MPI_COMM_WORLD, sides.other_first, 1, &inter),
                "MPI_Intercomm_create", "UNCLASSIFIED");
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;  // NOLINT(google-build-using-namespace)
  MPI_Init(&argc, &argv);
  Verdict::get().start("rank " + std::to_string(world().rank), 50);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "both") {
    both_ways();
  } else if (what == "upwards") {
    upwards();
  } else if (what == "line") {
    line();
  } else {
    apart();
  }
  const int verdict = Verdict::get().finish();
  MPI_Finalize();
  return verdict;
}
