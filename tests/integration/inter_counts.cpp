// Collectives with a root on the intercommunicator between the first subject and all others, so that a test can count
// the messages between subjects.
//
// usage: inter_counts OPERATION CALLS      Bcast, Scatter: from the first subject; Reduce, Gather: to it
#include <cstdlib>
#include <string_view>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

int call(std::string_view operation, int root, MPI_Comm inter, int remote) {
  int one = 1;
  std::vector<int> all(static_cast<std::size_t>(remote) + 1, 1);
  if (operation == "Bcast") return MPI_Bcast(&one, 1, MPI_INT, root, inter);
  if (operation == "Scatter") return MPI_Scatter(all.data(), 1, MPI_INT, &one, 1, MPI_INT, root, inter);
  if (operation == "Gather") return MPI_Gather(&one, 1, MPI_INT, all.data(), 1, MPI_INT, root, inter);
  const int code = MPI_Reduce(&one, all.data(), 1, MPI_INT, MPI_SUM, root, inter);
  if (root == MPI_ROOT) CHECK_EQ(all[0], remote);
  return code;
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv);
  if (argc != 3) return 2;
  const bool first = job.subject() == 0;
  int ranks = 0;
  MPIX_Subject_ranks(0, nullptr, &ranks);
  MPI_Comm local = MPI_COMM_NULL;
  MPI_Comm inter = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_split(MPI_COMM_WORLD, first ? 0 : 1, job.rank(), &local), MPI_SUCCESS);
  CHECK_EQ(MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, first ? ranks : 0, 3, &inter), MPI_SUCCESS);
  int remote = 0;
  MPI_Comm_remote_size(inter, &remote);
  const int root = !first ? 0 : job.rank() == 0 ? MPI_ROOT : MPI_PROC_NULL;
  const long calls = std::strtol(argv[2], nullptr, 10);
  for (long i = 0; i < calls; ++i) CHECK_EQ(call(argv[1], root, inter, remote), MPI_SUCCESS);
  MPI_Comm_free(&inter);
  MPI_Comm_free(&local);
  return Job::finish();
}
