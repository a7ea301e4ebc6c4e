// What the three programs say to each other, upwards only.
//
// World ranks follow the order of subjects in the policy: ingest, exploit, report. All messages climb; whoever ends
// tells those above with a message like any other, and nobody ever answers.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

namespace imagery {

inline constexpr int kIngestRanks = 2;
inline constexpr int kExploitRanks = 2;
inline constexpr int kFirstExploit = kIngestRanks;
inline constexpr int kReport = kFirstExploit + kExploitRanks;
inline constexpr int kWorldSize = kReport + 1;

enum Tag : int {
  kTile = 1,   ///< bytes of pack(Tile)
  kSites = 2,  ///< doubles, kDoublesPerSite for each site
  kDone = 3,   ///< one int: how many kTile messages this sender has sent to this receiver
};

inline constexpr int kDoublesPerSite = 4;  ///< latitude, longitude, brightness, pixels

/// Rank of the calling program, or -1, with an explanation on standard error, if the world is not as above.
inline int rank_in_world(const char* program) {
  int rank = -1;
  int size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size == kWorldSize) return rank;
  if (rank == 0) {
    static_cast<void>(std::fprintf(stderr,
                                   "%s: needs %d ranks (2 ingest, 2 exploit, 1 report) but the world has %d; "
                                   "run it with: sluice run imagery.yaml\n",
                                   program, kWorldSize, size));
  }
  return -1;
}

inline void send_bytes(std::span<const std::uint8_t> bytes, int to, Tag tag) {
  MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, to, tag, MPI_COMM_WORLD);
}

/// Receives the message that a probe announced.
template <typename Element>
std::vector<Element> receive(const MPI_Status& announced, MPI_Datatype type) {
  int count = 0;
  MPI_Get_count(&announced, type, &count);
  std::vector<Element> elements(static_cast<std::size_t>(count));
  MPI_Recv(elements.data(), count, type, announced.MPI_SOURCE, announced.MPI_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return elements;
}

}  // namespace imagery
