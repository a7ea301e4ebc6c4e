// Collectives of few bytes, without a plan.
#pragma once

#include <optional>

#include "untrusted/interpose/communicator/communicator.hpp"

namespace sluice::interpose {

// Each carries out the blocking call at once and returns its error, for which the error handler has been called.
// Nothing is returned, and nothing done, where the call takes a plan (plan.hpp): for more bytes, for datatypes whose
// elements do not lie in memory as they travel, for operations that the program has made, on intercommunicators, and
// for whatever is wrong or illegal. The messages are those of the plan, so ranks may differ in it.

std::optional<int> short_bcast(VirtualComm& comm, void* buffer, MPI_Count count, MPI_Datatype type, int root);
std::optional<int> short_gather(VirtualComm& comm, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                                void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype, int root);
std::optional<int> short_scatter(VirtualComm& comm, const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype,
                                 void* recvbuf, MPI_Count recvcount, MPI_Datatype recvtype, int root);
std::optional<int> short_reduce(VirtualComm& comm, const void* sendbuf, void* recvbuf, MPI_Count count,
                                MPI_Datatype type, MPI_Op op, int root);

}  // namespace sluice::interpose
