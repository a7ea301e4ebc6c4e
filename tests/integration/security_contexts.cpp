// Communicators of named subjects and of label ranges, and what a communicator may carry.
//
// usage: security_contexts chain     low (UNCLASSIFIED) -> middle (SECRET) -> high (TOP_SECRET//IMG)
//        security_contexts two-way   low, middle, high: all SECRET, a flow between any two
//        security_contexts single    one subject
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr int kRooted = MPIX_COLLECTIVES_FROM_ROOT | MPIX_COLLECTIVES_TO_ROOT;
constexpr int kEverything = kRooted | MPIX_COLLECTIVES_ASCENDING | MPIX_COLLECTIVES_ALL | MPIX_COLLECTIVES_NEIGHBOR;

MPI_Comm named(const std::vector<const char*>& names) {
  MPI_Comm made = MPI_COMM_WORLD;
  CHECK_EQ(MPIX_Comm_create_from_subjects(static_cast<int>(names.size()), names.data(), &made), MPI_SUCCESS);
  return made;
}

MPI_Comm between(const char* lowest, const char* highest) {
  MPI_Comm made = MPI_COMM_WORLD;
  CHECK_EQ(MPIX_Comm_create_from_labels(lowest, highest, &made), MPI_SUCCESS);
  return made;
}

int legal_on(MPI_Comm comm, int root) {
  int kinds = -1;
  CHECK_EQ(MPIX_Comm_collectives(comm, root, &kinds), MPI_SUCCESS);
  return kinds;
}

/// Whether a communicator has exactly the ranks of these subjects, in the order of the world; freed after that.
void check_members(MPI_Comm comm, const std::vector<const char*>& names) {
  std::vector<int> wanted;
  for (const char* name : names) {
    int subject = -1, first = 0, ranks = 0;
    MPIX_Subject_of_rank(Job::rank_of(name), &subject);
    MPIX_Subject_ranks(subject, &first, &ranks);
    for (int i = 0; i < ranks; ++i) wanted.push_back(first + i);
  }
  int rank = -1, size = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (std::find(wanted.begin(), wanted.end(), rank) == wanted.end()) {
    CHECK(comm == MPI_COMM_NULL);
    return;
  }
  if (!CHECK(comm != MPI_COMM_NULL)) return;
  MPI_Comm_size(comm, &size);
  if (!CHECK_EQ(size, wanted.size())) return;
  std::vector<int> ranks(wanted.size());
  std::vector<int> world_ranks(wanted.size(), -1);
  std::iota(ranks.begin(), ranks.end(), 0);
  MPI_Group group = MPI_GROUP_NULL, world = MPI_GROUP_NULL;
  MPI_Comm_group(comm, &group);
  MPI_Comm_group(MPI_COMM_WORLD, &world);
  MPI_Group_translate_ranks(group, size, ranks.data(), world, world_ranks.data());
  CHECK(world_ranks == wanted);
  MPI_Group_free(&group);
  MPI_Group_free(&world);
}

void check_and_free(MPI_Comm comm, const std::vector<const char*>& names) {
  check_members(comm, names);
  if (comm != MPI_COMM_NULL) CHECK_EQ(MPI_Comm_free(&comm), MPI_SUCCESS);
}

/// Rank 0 broadcasts; every member gets it.
void check_bcast(MPI_Comm comm, int value) {
  int rank = -1;
  MPI_Comm_rank(comm, &rank);
  int got = rank == 0 ? value : -1;
  CHECK_EQ(MPI_Bcast(&got, 1, MPI_INT, 0, comm), MPI_SUCCESS);
  CHECK_EQ(got, value);
}

void wrong_arguments() {
  Verdict::get().begin("wrong arguments");
  MPI_Comm made = MPI_COMM_WORLD;
  const char* unknown[] = {"nobody"};
  const char* none[] = {nullptr};
  const std::string own = Job::name_of(0);
  const char* twice[] = {own.c_str(), own.c_str()};
  int kinds = 0;
  CHECK_EQ(MPIX_Comm_create_from_subjects(1, unknown, &made), MPI_ERR_ARG);
  CHECK(made == MPI_COMM_NULL);
  CHECK_EQ(MPIX_Comm_create_from_subjects(1, none, &made), MPI_ERR_ARG);
  CHECK_EQ(MPIX_Comm_create_from_subjects(2, twice, &made), MPI_ERR_ARG);
  CHECK_EQ(MPIX_Comm_create_from_subjects(1, nullptr, &made), MPI_ERR_ARG);
  CHECK_EQ(MPIX_Comm_create_from_subjects(-1, twice, &made), MPI_ERR_ARG);
  CHECK_EQ(MPIX_Comm_create_from_subjects(1, twice, nullptr), MPI_ERR_ARG);
  CHECK_EQ(MPIX_Comm_create_from_subjects(0, nullptr, &made), MPI_SUCCESS);
  CHECK(made == MPI_COMM_NULL);
  for (const char* label : {"", "NOWHERE", "SECRET//XYZ", "SECRET/", "secret"}) {
    made = MPI_COMM_WORLD;
    CHECK_EQ(MPIX_Comm_create_from_labels(label, nullptr, &made), MPI_ERR_ARG);
    CHECK_EQ(MPIX_Comm_create_from_labels(nullptr, label, &made), MPI_ERR_ARG);
    CHECK(made == MPI_COMM_NULL);
  }
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  CHECK_EQ(MPIX_Comm_collectives(MPI_COMM_WORLD, size, &kinds), MPI_ERR_ROOT);
  CHECK_EQ(MPIX_Comm_collectives(MPI_COMM_WORLD, -1, &kinds), MPI_ERR_ROOT);
  CHECK_EQ(MPIX_Comm_collectives(MPI_COMM_SUBJECT, size, &kinds), MPI_ERR_ROOT);
  CHECK_EQ(MPIX_Comm_collectives(MPI_COMM_NULL, 0, &kinds), MPI_ERR_COMM);
  CHECK_EQ(MPIX_Comm_collectives(MPI_COMM_WORLD, 0, nullptr), MPI_ERR_ARG);
}

/// What a call says that it is: legal, or refused by name.
bool carried(int code) {
  CHECK(code == MPI_SUCCESS || error_class(code) == MPIX_ERR_FLOW);
  return code == MPI_SUCCESS;
}

/// Every kind on a communicator, from every root: the query and the call agree.
void query_and_calls_agree(MPI_Comm comm) {
  int size = 0;
  MPI_Comm_size(comm, &size);
  std::vector<int> all(static_cast<std::size_t>(size));
  int one = 1, sum = 0;
  const auto says = [&](int root, int kind) { return (legal_on(comm, root) & kind) != 0; };
  for (int root = 0; root < size; ++root) {
    CHECK_EQ(carried(MPI_Bcast(&one, 1, MPI_INT, root, comm)), says(root, MPIX_COLLECTIVES_FROM_ROOT));
    CHECK_EQ(carried(MPI_Scatter(all.data(), 1, MPI_INT, &sum, 1, MPI_INT, root, comm)),
             says(root, MPIX_COLLECTIVES_FROM_ROOT));
    CHECK_EQ(carried(MPI_Reduce(&one, &sum, 1, MPI_INT, MPI_SUM, root, comm)), says(root, MPIX_COLLECTIVES_TO_ROOT));
    CHECK_EQ(carried(MPI_Gather(&one, 1, MPI_INT, all.data(), 1, MPI_INT, root, comm)),
             says(root, MPIX_COLLECTIVES_TO_ROOT));
    CHECK_EQ(carried(MPI_Scan(&one, &sum, 1, MPI_INT, MPI_SUM, comm)), says(root, MPIX_COLLECTIVES_ASCENDING));
    CHECK_EQ(carried(MPI_Barrier(comm)), says(root, MPIX_COLLECTIVES_ALL));
    CHECK_EQ(carried(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm)), says(root, MPIX_COLLECTIVES_ALL));
  }
  MPI_Comm line = MPI_COMM_NULL;
  const int periods[] = {0};
  CHECK_EQ(MPI_Cart_create(comm, 1, &size, periods, 0, &line), MPI_SUCCESS);
  int neighbors[2] = {-1, -1};
  CHECK_EQ(carried(MPI_Neighbor_allgather(&one, 1, MPI_INT, neighbors, 1, MPI_INT, line)),
           (legal_on(line, 0) & MPIX_COLLECTIVES_NEIGHBOR) != 0);
  MPI_Comm_free(&line);
}

void queries_on_a_chain() {
  Verdict::get().begin("queries on a chain");
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int root = 0; root < size; ++root) {
    int kinds = MPIX_COLLECTIVES_ASCENDING;
    if (root < Job::rank_of("middle")) kinds |= MPIX_COLLECTIVES_FROM_ROOT;
    if (root >= Job::rank_of("high")) kinds |= MPIX_COLLECTIVES_TO_ROOT;
    CHECK_EQ(legal_on(MPI_COMM_WORLD, root), kinds);
  }
  CHECK_EQ(legal_on(MPI_COMM_SUBJECT, 0), kEverything);
  query_and_calls_agree(MPI_COMM_WORLD);
}

void ranges_on_a_chain(const Job& job) {
  Verdict::get().begin("ranges on a chain");
  check_and_free(between("SECRET", nullptr), {"middle", "high"});
  check_and_free(between(nullptr, "SECRET"), {"low", "middle"});
  check_and_free(between("SECRET", "SECRET"), {"middle"});
  check_and_free(between("SECRET", "TOP_SECRET"), {"middle"});  // which does not dominate TOP_SECRET//IMG
  check_and_free(between("UNCLASSIFIED//IMG", nullptr), {"high"});
  check_and_free(between("SECRET", "TOP_SECRET//NUC/IMG"), {"middle", "high"});
  check_and_free(between("TOP_SECRET//NUC", nullptr), {});
  check_and_free(between(nullptr, nullptr), {"low", "middle", "high"});
  MPI_Comm upper = between("SECRET", nullptr);
  if (upper != MPI_COMM_NULL) {
    check_bcast(upper, 4711);
    query_and_calls_agree(upper);
    MPI_Comm_free(&upper);
  }
  MPI_Comm own = between("SECRET", "SECRET");
  CHECK_EQ(own != MPI_COMM_NULL, job.is("middle"));
  if (own != MPI_COMM_NULL) {
    CHECK_EQ(legal_on(own, 0), kEverything);
    CHECK_EQ(MPI_Barrier(own), MPI_SUCCESS);
    MPI_Comm_free(&own);
  }
}

/// Two subjects without a flow between them: a path outside of the communicator does not count.
void ends_of_a_chain() {
  Verdict::get().begin("ends of a chain");
  MPI_Comm ends = named({"high", "low"});
  check_members(ends, {"low", "high"});
  if (ends == MPI_COMM_NULL) return;
  CHECK_EQ(legal_on(ends, 0), 0);
  query_and_calls_agree(ends);
  int rank = -1, size = 0, value = 1;
  MPI_Comm_rank(ends, &rank);
  MPI_Comm_size(ends, &size);
  // Inherits MPI_ERRORS_RETURN from MPI_COMM_WORLD.
  if (rank == 0) CHECK_EQ(error_class(MPI_Send(&value, 1, MPI_INT, size - 1, 1, ends)), MPIX_ERR_FLOW);
  MPI_Comm_free(&ends);
}

/// The nth of one set of subjects is the same everywhere, however it was described and whatever was made between.
void same_communicator(const Job& job) {
  Verdict::get().begin("same communicator");
  if (job.is("high")) {
    // Another order than below, and fewer: only sets that this subject is in.
    MPI_Comm all = named({"high", "middle", "low"});
    check_bcast(all, 3);
    MPI_Comm_free(&all);
    return;
  }
  const bool low = job.is("low");
  MPI_Comm first = low ? named({"low", "middle"}) : between(nullptr, "SECRET");
  MPI_Comm all = MPI_COMM_NULL;
  if (low) all = between(nullptr, nullptr);
  MPI_Comm second = low ? between("UNCLASSIFIED", "SECRET") : named({"middle", "low"});
  if (!low) all = between("UNCLASSIFIED", nullptr);
  check_bcast(all, 3);
  int rank = -1, size = 0;
  MPI_Comm_rank(first, &rank);
  MPI_Comm_size(first, &size);
  if (rank == 0) {
    for (int value : {1, 2}) MPI_Send(&value, 1, MPI_INT, size - 1, 5, value == 1 ? first : second);
  }
  if (rank == size - 1) {
    for (const int wanted : {2, 1}) {
      int got = -1;
      CHECK_EQ(MPI_Recv(&got, 1, MPI_INT, 0, 5, wanted == 1 ? first : second, MPI_STATUS_IGNORE), MPI_SUCCESS);
      CHECK_EQ(got, wanted);
    }
  }
  for (MPI_Comm* comm : {&first, &second, &all}) MPI_Comm_free(comm);
}

/// Nobody waits for a subject that does not call.
void alone(const Job& job) {
  Verdict::get().begin("alone");
  if (!job.is("low")) return;
  check_and_free(named({"low", "high"}), {"low", "high"});
}

void two_way(const Job& job) {
  Verdict::get().begin("two-way");
  for (int root = 0; root < job.size(); ++root) CHECK_EQ(legal_on(MPI_COMM_WORLD, root), kEverything);
  query_and_calls_agree(MPI_COMM_WORLD);
  check_and_free(between("TOP_SECRET", nullptr), {});
  check_and_free(between("SECRET", "SECRET"), {"low", "middle", "high"});
  MPI_Comm ends = named({"low", "high"});
  check_members(ends, {"low", "high"});
  if (ends == MPI_COMM_NULL) return;
  CHECK_EQ(legal_on(ends, 0), kEverything);
  int size = 0, rank = -1, sum = 0;
  MPI_Comm_size(ends, &size);
  MPI_Comm_rank(ends, &rank);
  CHECK_EQ(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, ends), MPI_SUCCESS);
  CHECK_EQ(sum, size * (size - 1) / 2);
  // Others are made from it as from any communicator.
  MPI_Comm half = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_split(ends, rank % 2, 0, &half), MPI_SUCCESS);
  CHECK_EQ(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, half), MPI_SUCCESS);
  MPI_Comm_free(&half);
  MPI_Comm_free(&ends);
}

void single() {
  Verdict::get().begin("single");
  int size = 0, result = -1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int root = 0; root < size; ++root) CHECK_EQ(legal_on(MPI_COMM_WORLD, root), kEverything);
  const std::string own = Job::name_of(0);
  for (MPI_Comm comm : {named({own.c_str()}), between(nullptr, nullptr)}) {
    CHECK_EQ(MPI_Comm_compare(comm, MPI_COMM_WORLD, &result), MPI_SUCCESS);
    CHECK_EQ(result, MPI_CONGRUENT);
    CHECK_EQ(MPI_Barrier(comm), MPI_SUCCESS);
    MPI_Comm_free(&comm);
  }
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv, 40);
  const std::string shape = argc > 1 ? argv[1] : "";
  wrong_arguments();
  if (shape == "single") single();
  if (shape == "two-way") two_way(job);
  if (shape == "chain") {
    queries_on_a_chain();
    ranges_on_a_chain(job);
    ends_of_a_chain();
    same_communicator(job);
    alone(job);
  }
  return Job::finish();
}
