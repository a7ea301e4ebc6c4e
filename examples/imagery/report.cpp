// TOP_SECRET//IMG: fuses what exploit found into a picture to look at and a table.
//
// usage: report FOLDER [LABEL]
// Writes lights.png and lights.csv into FOLDER, with LABEL on the picture.
#include <mpi.h>

#include <cstdio>
#include <string>
#include <vector>

#include "examples/imagery/chart.hpp"
#include "examples/imagery/files.hpp"
#include "examples/imagery/messages.hpp"
#include "examples/imagery/tile.hpp"

namespace imagery {
namespace {

/// Everything that has come up so far.
struct Picture {
  Image day;
  Image night;
  std::vector<Site> sites;
  int tiles = 0;
};

bool take_tile(const std::vector<std::uint8_t>& bytes, Picture& picture) {
  const std::optional<Tile> tile = unpack(bytes);
  if (!tile) return false;
  const TileHeader& header = tile->header;
  if (picture.tiles == 0) {
    picture.day = Image(header.picture_width, header.picture_height);
    picture.night = picture.day;
  }
  if (header.picture_width != picture.day.width || header.picture_height != picture.day.height) return false;
  paste(tile->day, header, picture.day);
  paste(tile->night, header, picture.night);
  ++picture.tiles;
  return true;
}

void take_sites(const std::vector<double>& numbers, Picture& picture) {
  for (std::size_t i = 0; i + kDoublesPerSite <= numbers.size(); i += kDoublesPerSite) {
    picture.sites.push_back({{numbers[i], numbers[i + 1]}, numbers[i + 2], numbers[i + 3]});
  }
}

/// Takes tiles and sites from whichever exploit rank has some, until all have said that they are done.
bool receive_all(Picture& picture) {
  int promised = 0;
  for (int ended = 0; ended < kExploitRanks;) {
    MPI_Status announced;
    MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &announced);
    if (announced.MPI_TAG == kDone) {
      promised += receive<int>(announced, MPI_INT).at(0);
      ++ended;
    } else if (announced.MPI_TAG == kSites) {
      take_sites(receive<double>(announced, MPI_DOUBLE), picture);
    } else if (!take_tile(receive<std::uint8_t>(announced, MPI_BYTE), picture)) {
      static_cast<void>(std::fprintf(stderr, "report: rank %d sent bytes that are no tile\n", announced.MPI_SOURCE));
      return false;
    }
  }
  if (picture.tiles == promised && promised > 0) return true;
  static_cast<void>(std::fprintf(stderr, "report: got %d tiles of %d\n", picture.tiles, promised));
  return false;
}

bool write_all(const Picture& picture, const std::string& folder, const std::string& label) {
  const std::vector<Site> sites = fuse(picture.sites);
  std::string error;
  if (!write_csv(folder + "/lights.csv", sites, error) ||
      !write_png(folder + "/lights.png", draw_chart(picture.day, picture.night, sites, label), error)) {
    static_cast<void>(std::fprintf(stderr, "report: %s\n", error.c_str()));
    return false;
  }
  static_cast<void>(std::printf("wrote %zu sites from %d tiles to %s/lights.csv and %s/lights.png\n", sites.size(),
                                picture.tiles, folder.c_str(), folder.c_str()));
  return true;
}

int run(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    static_cast<void>(std::fprintf(stderr, "usage: report FOLDER [LABEL]\n"));
    return 2;
  }
  if (rank_in_world("report") < 0) return 2;
  Picture picture;
  if (!receive_all(picture)) return 1;
  return write_all(picture, argv[1], argc == 3 ? argv[2] : "UNMARKED") ? 0 : 1;
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
