// UNCLASSIFIED: cuts the day and the night picture of the Earth into tiles and sends them up.
//
// usage: ingest DAY.jpg NIGHT.jpg
#include <mpi.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include "examples/imagery/files.hpp"
#include "examples/imagery/messages.hpp"
#include "examples/imagery/tile.hpp"

namespace imagery {
namespace {

std::optional<Image> read_or_say(const char* path) {
  std::string error;
  std::optional<Image> image = read_jpeg(path, error);
  if (!image) static_cast<void>(std::fprintf(stderr, "ingest: %s\n", error.c_str()));
  return image;
}

/// Sends every kIngestRanks-th tile, in turn to each exploit rank, and then says how many each got.
void send_tiles(const Image& day, const Image& night, int rank) {
  std::array<int, kExploitRanks> sent{};
  const std::vector<TileHeader> headers = tiles_of(day.width, day.height);
  for (std::size_t i = static_cast<std::size_t>(rank); i < headers.size(); i += kIngestRanks) {
    const std::size_t receiver = i / kIngestRanks % kExploitRanks;
    const Tile tile{headers[i], cut(day, headers[i]), cut(night, headers[i])};
    send_bytes(pack(tile), kFirstExploit + static_cast<int>(receiver), kTile);
    ++sent[receiver];
  }
  for (int receiver = 0; receiver < kExploitRanks; ++receiver) {
    MPI_Send(&sent[static_cast<std::size_t>(receiver)], 1, MPI_INT, kFirstExploit + receiver, kDone, MPI_COMM_WORLD);
  }
  static_cast<void>(
      std::printf("sent %d + %d tiles of a %d x %d picture up\n", sent[0], sent[1], day.width, day.height));
}

int run(int argc, char** argv) {
  if (argc != 3) {
    static_cast<void>(std::fprintf(stderr, "usage: ingest DAY.jpg NIGHT.jpg\n"));
    return 2;
  }
  const int rank = rank_in_world("ingest");
  if (rank < 0) return 2;
  const std::optional<Image> day = read_or_say(argv[1]);
  const std::optional<Image> night = read_or_say(argv[2]);
  if (!day || !night) return 1;
  if (day->width != night->width || day->height != night->height) {
    static_cast<void>(std::fprintf(stderr, "ingest: %s and %s differ in size\n", argv[1], argv[2]));
    return 1;
  }
  send_tiles(*day, *night, rank);
  return 0;
}

}  // namespace
}  // namespace imagery

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const int code = imagery::run(argc, argv);
  if (code != 0) MPI_Abort(MPI_COMM_WORLD, code);
  MPI_Finalize();
  return code;
}
