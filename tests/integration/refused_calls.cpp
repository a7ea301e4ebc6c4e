#include "tests/integration/refused_calls.hpp"

namespace sluice::testing {
namespace {

constexpr int kMost = 64;  ///< ranks that the buffers are made for

int numbers[kMost];
int more[kMost];
int counts[kMost];
int places[kMost];
MPI_Datatype types[kMost];
MPI_Request request = MPI_REQUEST_NULL;
MPI_Comm made = MPI_COMM_NULL;

void add_blocking(std::vector<RefusedCall>& calls) {
  const MPI_Datatype t = MPI_INT;
  calls.insert(
      calls.end(),
      {
          {"MPI_Barrier", [](MPI_Comm c) { return MPI_Barrier(c); }},
          {"MPI_Bcast", [t](MPI_Comm c) { return MPI_Bcast(numbers, 1, t, 0, c); }},
          {"MPI_Gather", [t](MPI_Comm c) { return MPI_Gather(numbers, 1, t, more, 1, t, 0, c); }},
          {"MPI_Gatherv", [t](MPI_Comm c) { return MPI_Gatherv(numbers, 1, t, more, counts, places, t, 0, c); }},
          {"MPI_Scatter", [t](MPI_Comm c) { return MPI_Scatter(numbers, 1, t, more, 1, t, 0, c); }},
          {"MPI_Scatterv", [t](MPI_Comm c) { return MPI_Scatterv(numbers, counts, places, t, more, 1, t, 0, c); }},
          {"MPI_Allgather", [t](MPI_Comm c) { return MPI_Allgather(numbers, 1, t, more, 1, t, c); }},
          {"MPI_Allgatherv", [t](MPI_Comm c) { return MPI_Allgatherv(numbers, 1, t, more, counts, places, t, c); }},
          {"MPI_Alltoall", [t](MPI_Comm c) { return MPI_Alltoall(numbers, 1, t, more, 1, t, c); }},
          {"MPI_Alltoallv",
           [t](MPI_Comm c) { return MPI_Alltoallv(numbers, counts, places, t, more, counts, places, t, c); }},
          {"MPI_Alltoallw",
           [](MPI_Comm c) { return MPI_Alltoallw(numbers, counts, places, types, more, counts, places, types, c); }},
          {"MPI_Reduce", [t](MPI_Comm c) { return MPI_Reduce(numbers, more, 1, t, MPI_SUM, 0, c); }},
          {"MPI_Allreduce", [t](MPI_Comm c) { return MPI_Allreduce(numbers, more, 1, t, MPI_SUM, c); }},
          {"MPI_Reduce_scatter", [t](MPI_Comm c) { return MPI_Reduce_scatter(numbers, more, counts, t, MPI_SUM, c); }},
          {"MPI_Reduce_scatter_block",
           [t](MPI_Comm c) { return MPI_Reduce_scatter_block(numbers, more, 1, t, MPI_SUM, c); }},
          {"MPI_Scan", [t](MPI_Comm c) { return MPI_Scan(numbers, more, 1, t, MPI_SUM, c); }},
          {"MPI_Exscan", [t](MPI_Comm c) { return MPI_Exscan(numbers, more, 1, t, MPI_SUM, c); }},
      });
}

void add_nonblocking(std::vector<RefusedCall>& calls) {
  const MPI_Datatype t = MPI_INT;
  MPI_Request* r = &request;
  calls.insert(
      calls.end(),
      {
          {"MPI_Ibarrier", [r](MPI_Comm c) { return MPI_Ibarrier(c, r); }},
          {"MPI_Ibcast", [=](MPI_Comm c) { return MPI_Ibcast(numbers, 1, t, 0, c, r); }},
          {"MPI_Igather", [=](MPI_Comm c) { return MPI_Igather(numbers, 1, t, more, 1, t, 0, c, r); }},
          {"MPI_Igatherv", [=](MPI_Comm c) { return MPI_Igatherv(numbers, 1, t, more, counts, places, t, 0, c, r); }},
          {"MPI_Iscatter", [=](MPI_Comm c) { return MPI_Iscatter(numbers, 1, t, more, 1, t, 0, c, r); }},
          {"MPI_Iscatterv", [=](MPI_Comm c) { return MPI_Iscatterv(numbers, counts, places, t, more, 1, t, 0, c, r); }},
          {"MPI_Iallgather", [=](MPI_Comm c) { return MPI_Iallgather(numbers, 1, t, more, 1, t, c, r); }},
          {"MPI_Iallgatherv",
           [=](MPI_Comm c) { return MPI_Iallgatherv(numbers, 1, t, more, counts, places, t, c, r); }},
          {"MPI_Ialltoall", [=](MPI_Comm c) { return MPI_Ialltoall(numbers, 1, t, more, 1, t, c, r); }},
          {"MPI_Ialltoallv",
           [=](MPI_Comm c) { return MPI_Ialltoallv(numbers, counts, places, t, more, counts, places, t, c, r); }},
          {"MPI_Ialltoallw",
           [=](MPI_Comm c) {
             return MPI_Ialltoallw(numbers, counts, places, types, more, counts, places, types, c, r);
           }},
          {"MPI_Ireduce", [=](MPI_Comm c) { return MPI_Ireduce(numbers, more, 1, t, MPI_SUM, 0, c, r); }},
          {"MPI_Iallreduce", [=](MPI_Comm c) { return MPI_Iallreduce(numbers, more, 1, t, MPI_SUM, c, r); }},
          {"MPI_Ireduce_scatter",
           [=](MPI_Comm c) { return MPI_Ireduce_scatter(numbers, more, counts, t, MPI_SUM, c, r); }},
          {"MPI_Ireduce_scatter_block",
           [=](MPI_Comm c) { return MPI_Ireduce_scatter_block(numbers, more, 1, t, MPI_SUM, c, r); }},
          {"MPI_Iscan", [=](MPI_Comm c) { return MPI_Iscan(numbers, more, 1, t, MPI_SUM, c, r); }},
          {"MPI_Iexscan", [=](MPI_Comm c) { return MPI_Iexscan(numbers, more, 1, t, MPI_SUM, c, r); }},
      });
}

void add_neighbours(std::vector<RefusedCall>& calls) {
  const MPI_Datatype t = MPI_INT;
  MPI_Request* r = &request;
  calls.insert(
      calls.end(),
      {
          {"MPI_Neighbor_allgather", [t](MPI_Comm c) { return MPI_Neighbor_allgather(numbers, 1, t, more, 1, t, c); }},
          {"MPI_Neighbor_alltoall", [t](MPI_Comm c) { return MPI_Neighbor_alltoall(numbers, 1, t, more, 1, t, c); }},
          {"MPI_Ineighbor_allgather",
           [=](MPI_Comm c) { return MPI_Ineighbor_allgather(numbers, 1, t, more, 1, t, c, r); }},
          {"MPI_Ineighbor_alltoall",
           [=](MPI_Comm c) { return MPI_Ineighbor_alltoall(numbers, 1, t, more, 1, t, c, r); }},
      });
}

void add_makers(std::vector<RefusedCall>& calls) {
  calls.insert(calls.end(), {
                                {"MPI_Dist_graph_create",
                                 [](MPI_Comm c) {
                                   return MPI_Dist_graph_create(c, 0, counts, counts, places, MPI_UNWEIGHTED,
                                                                MPI_INFO_NULL, 0, &made);
                                 }},
                                {"MPI_Comm_spawn",
                                 [](MPI_Comm c) {
                                   return MPI_Comm_spawn("/bin/true", MPI_ARGV_NULL, 1, MPI_INFO_NULL, 0, c, &made,
                                                         MPI_ERRCODES_IGNORE);
                                 }},
                            });
}

void add_windows_and_files(std::vector<RefusedCall>& calls) {
  static MPI_Win window;
  static MPI_File file;
  static void* memory;
  calls.insert(
      calls.end(),
      {
          {"MPI_Win_create",
           [](MPI_Comm c) { return MPI_Win_create(numbers, sizeof numbers, 1, MPI_INFO_NULL, c, &window); }},
          {"MPI_Win_allocate", [](MPI_Comm c) { return MPI_Win_allocate(64, 1, MPI_INFO_NULL, c, &memory, &window); }},
          {"MPI_Win_allocate_shared",
           [](MPI_Comm c) { return MPI_Win_allocate_shared(64, 1, MPI_INFO_NULL, c, &memory, &window); }},
          {"MPI_Win_create_dynamic", [](MPI_Comm c) { return MPI_Win_create_dynamic(MPI_INFO_NULL, c, &window); }},
          {"MPI_File_open",
           [](MPI_Comm c) {
             return MPI_File_open(c, "/tmp/refused", MPI_MODE_CREATE | MPI_MODE_WRONLY, MPI_INFO_NULL, &file);
           }},
      });
}

}  // namespace

std::vector<RefusedCall> refused_calls() {
  for (MPI_Datatype& type : types) type = MPI_INT;
  std::vector<RefusedCall> calls;
  add_blocking(calls);
  add_nonblocking(calls);
  add_neighbours(calls);
  for (RefusedCall& call : calls) call.collective = true;
  add_makers(calls);
  add_windows_and_files(calls);
  return calls;
}

}  // namespace sluice::testing
