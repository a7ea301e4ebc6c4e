// The calls that ask about subjects, and what the world is.
//
// usage: queries run      three subjects: low (2 ranks), high (1), other (2), with the flow low -> high
//        queries single   the run is one subject
#include <algorithm>
#include <cstring>
#include <string>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

struct Known {
  const char* name;
  const char* label;
  int first;
  int ranks;
};
constexpr Known kSubjects[] = {{"low", "UNCLASSIFIED", 0, 2}, {"high", "SECRET//IMG", 2, 1}, {"other", "SECRET", 3, 2}};

void world_of_the_run(const Job& job) {
  CHECK_EQ(job.size(), 5);
  int count = 0;
  CHECK_EQ(MPIX_Subject_count(&count), MPI_SUCCESS);
  if (!CHECK_EQ(count, 3)) return;
  for (int i = 0; i < count; ++i) {
    const Known& known = kSubjects[i];
    char label[MPIX_MAX_SUBJECT_LABEL] = "", name[MPIX_MAX_SUBJECT_NAME] = "";
    int first = -1, ranks = -1;
    CHECK_EQ(MPIX_Subject_name(i, name), MPI_SUCCESS);
    CHECK_EQ(std::string(name), known.name);
    CHECK_EQ(MPIX_Subject_label(i, label), MPI_SUCCESS);
    CHECK_EQ(std::string(label), known.label);
    CHECK_EQ(MPIX_Subject_ranks(i, &first, &ranks), MPI_SUCCESS);
    CHECK_EQ(first, known.first);
    CHECK_EQ(ranks, known.ranks);
    CHECK_EQ(MPIX_Subject_ranks(i, nullptr, nullptr), MPI_SUCCESS);
    for (int rank = first; rank < first + ranks; ++rank) {
      int subject = -1;
      CHECK_EQ(MPIX_Subject_of_rank(rank, &subject), MPI_SUCCESS);
      CHECK_EQ(subject, i);
    }
    for (int to = 0; to < count; ++to) {
      int allowed = -1;
      CHECK_EQ(MPIX_Flow_allowed(i, to, &allowed), MPI_SUCCESS);
      CHECK_EQ(allowed, (i == to || (i == 0 && to == 1)) ? 1 : 0);
    }
  }
  const int mine = job.subject();
  CHECK(job.rank() >= kSubjects[mine].first && job.rank() < kSubjects[mine].first + kSubjects[mine].ranks);
  int size = 0, result = -1;
  MPI_Comm_size(MPI_COMM_SUBJECT, &size);
  CHECK_EQ(size, kSubjects[mine].ranks);
  CHECK_EQ(job.inner(), job.rank() - kSubjects[mine].first);
  CHECK_EQ(MPI_Comm_compare(MPI_COMM_WORLD, MPI_COMM_SUBJECT, &result), MPI_SUCCESS);
  CHECK_EQ(result, MPI_UNEQUAL);
  CHECK_EQ(MPI_Comm_compare(MPI_COMM_WORLD, MPI_COMM_WORLD, &result), MPI_SUCCESS);
  CHECK_EQ(result, MPI_IDENT);
}

/// An attribute of the world, or `absent`.
int attribute(int keyval, int absent) {
  int* value = nullptr;
  int found = 0;
  CHECK_EQ(MPI_Comm_get_attr(MPI_COMM_WORLD, keyval, static_cast<void*>(&value), &found), MPI_SUCCESS);
  return found != 0 ? *value : absent;
}

void predefined_attributes(const Job& job) {
  CHECK_EQ(attribute(MPI_APPNUM, -1), job.subject());
  CHECK_EQ(attribute(MPI_UNIVERSE_SIZE, job.size()), job.size());
  CHECK_EQ(attribute(MPI_WTIME_IS_GLOBAL, -1), 0);
  CHECK_EQ(attribute(MPI_TAG_UB, -1), (1 << 28) - 1);
}

void wrong_arguments() {
  int subjects = 0, value = -1;
  char text[MPIX_MAX_SUBJECT_LABEL] = "";
  MPIX_Subject_count(&subjects);
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  CHECK(MPIX_Subject_of_rank(size, &value) != MPI_SUCCESS);
  CHECK(MPIX_Subject_of_rank(-1, &value) != MPI_SUCCESS);
  CHECK(MPIX_Subject_name(subjects, text) != MPI_SUCCESS);
  CHECK(MPIX_Subject_label(-1, text) != MPI_SUCCESS);
  CHECK(MPIX_Subject_ranks(subjects, &value, &value) != MPI_SUCCESS);
  CHECK(MPIX_Flow_allowed(0, subjects, &value) != MPI_SUCCESS);
  CHECK(MPIX_ERR_FLOW != MPIX_ERR_ENDED);
  CHECK(MPIX_ERR_FLOW != MPI_SUCCESS && MPIX_ERR_ENDED != MPI_SUCCESS);
}

/// A run of one subject is the host MPI, unchanged.
void single(const Job& job) {
  int count = 0, result = -1, sum = 0, one = 1;
  CHECK_EQ(MPIX_Subject_count(&count), MPI_SUCCESS);
  CHECK_EQ(count, 1);
  CHECK_EQ(job.subject(), 0);
  CHECK(MPI_COMM_SUBJECT == MPI_COMM_WORLD);
  CHECK_EQ(MPI_Comm_compare(MPI_COMM_WORLD, MPI_COMM_SUBJECT, &result), MPI_SUCCESS);
  CHECK_EQ(result, MPI_IDENT);
  CHECK_EQ(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD), MPI_SUCCESS);
  CHECK_EQ(sum, job.size());
  int allowed = 0;
  CHECK_EQ(MPIX_Flow_allowed(0, 0, &allowed), MPI_SUCCESS);
  CHECK_EQ(allowed, 1);
  const int peer = job.rank() ^ 1;
  if (peer < job.size()) {
    if (job.rank() % 2 == 0) CHECK_EQ(MPI_Ssend(&one, 1, MPI_INT, peer, 1, MPI_COMM_WORLD), MPI_SUCCESS);
    if (job.rank() % 2 == 1) receive_int(peer, 1);
  }
  MPI_Comm dup = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &dup), MPI_SUCCESS);
  MPI_Comm_free(&dup);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv);
  Verdict::get().begin("queries");
  if (argc > 1 && std::strcmp(argv[1], "single") == 0) {
    single(job);
  } else {
    world_of_the_run(job);
    predefined_attributes(job);
  }
  wrong_arguments();
  return Job::finish();
}
