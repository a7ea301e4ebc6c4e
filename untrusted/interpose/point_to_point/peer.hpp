// Who a rank argument means on a communicator that spans subjects.
#pragma once

#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

enum class Peer {
  nobody,       ///< MPI_PROC_NULL
  local,        ///< a rank of the own subject
  remote,       ///< a rank of another subject
  anyone,       ///< MPI_ANY_SOURCE, and another subject may be it
  anyone_here,  ///< MPI_ANY_SOURCE, and only the own subject can be it
  invalid,
};

/// Classifies the destination of a send.
inline Peer destination(const VirtualComm& comm, int rank) noexcept {
  if (rank == MPI_PROC_NULL) return Peer::nobody;
  if (rank < 0 || rank >= comm.size) return Peer::invalid;
  return comm.is_local(rank) ? Peer::local : Peer::remote;
}

/// Classifies the source of a receive or probe.
inline Peer origin(const VirtualComm& comm, int rank) noexcept {
  if (rank == MPI_ANY_SOURCE) return comm.has_inflow() ? Peer::anyone : Peer::anyone_here;
  return destination(comm, rank);
}

/// A rank of the own subject as the host MPI counts it. MPI_ANY_SOURCE and MPI_PROC_NULL stay as they are.
inline int to_host(const VirtualComm& comm, int rank) noexcept {
  return rank < 0 ? rank : comm.host_rank[static_cast<std::size_t>(rank)];
}

/// World rank of a rank of the communicator.
inline std::uint32_t to_world(const VirtualComm& comm, int rank) noexcept {
  return static_cast<std::uint32_t>(comm.world_rank[static_cast<std::size_t>(rank)]);
}

/// Tells the source in a status that the host MPI has filled as a rank of the communicator.
inline void source_to_virtual(const VirtualComm& comm, MPI_Status* status) noexcept {
  if (status == MPI_STATUS_IGNORE || status->MPI_SOURCE < 0) return;
  status->MPI_SOURCE = comm.rank_of_host[static_cast<std::size_t>(status->MPI_SOURCE)];
}

/// The envelope that a receive or probe asks for.
inline Envelope envelope(const VirtualComm& comm, int source, int tag) noexcept {
  return {comm.context, source == MPI_ANY_SOURCE ? kAnySource : static_cast<std::int32_t>(to_world(comm, source)),
          tag == MPI_ANY_TAG ? kAnyTag : tag};
}

}  // namespace sluice::interpose
