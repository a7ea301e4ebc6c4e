// Intercommunicators between subjects.
//
// usage: intercommunicators both      all subjects flow both ways
//        intercommunicators upwards   the first subject may send to the second, and nothing else
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

/// Inside the second subject, which has two ranks, the host MPI's own; across, a refusal on both sides.
void upwards() {
  Verdict::get().begin("refused upwards");
  MPI_Comm inter = MPI_COMM_NULL;
  int mine = 0;
  int other_first = 0;
  MPIX_Subject_mine(&mine);
  MPIX_Subject_ranks(1 - mine, &other_first, nullptr);
  MPI_Comm subject = MPI_COMM_SUBJECT;
  MPI_Comm_set_errhandler(subject, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  const int error = MPI_Intercomm_create(subject, 0, MPI_COMM_WORLD, other_first, 1, &inter);
  int error_class = 0;
  MPI_Error_class(error, &error_class);
  CHECK_EQ(error_class, MPIX_ERR_FLOW);
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(error, text, &length);
  CHECK(std::string(text).find("MPI_Intercomm_create") != std::string::npos);
  CHECK(std::string(text).find("UNCLASSIFIED") != std::string::npos);

  Verdict::get().begin("inside a subject");
  int rank = 0;
  int size = 0;
  MPI_Comm_rank(subject, &rank);
  MPI_Comm_size(subject, &size);
  if (size < 2) return;
  int first = 0;
  MPIX_Subject_ranks(mine, &first, nullptr);
  const int peer = rank == 0 ? first + 1 : first;
  CHECK_EQ(MPI_Intercomm_create(MPI_COMM_SELF, 0, MPI_COMM_WORLD, peer, 2, &inter), MPI_SUCCESS);
  int remote = 0;
  MPI_Comm_remote_size(inter, &remote);
  CHECK_EQ(remote, 1);
  int got = -1;
  MPI_Sendrecv(&rank, 1, MPI_INT, 0, 0, &got, 1, MPI_INT, 0, 0, inter, MPI_STATUS_IGNORE);
  CHECK_EQ(got, 1 - rank);
  MPI_Comm_free(&inter);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;  // NOLINT(google-build-using-namespace)
  MPI_Init(&argc, &argv);
  Verdict::get().start("rank " + std::to_string(world().rank), 50);
  if (argc > 1 && std::string(argv[1]) == "both") {
    both_ways();
  } else {
    upwards();
  }
  const int verdict = Verdict::get().finish();
  MPI_Finalize();
  return verdict;
}
