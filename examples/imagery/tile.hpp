// The picture cut into tiles with a halo, so that each can be searched without its neighbours.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "examples/imagery/image.hpp"

namespace imagery {

/// Pixels that a tile carries around its core on each side: at least as far as find_sites looks.
inline constexpr int kHalo = 16;
/// Side of a tile's core in pixels.
inline constexpr int kTileSide = 256;

/// Which part of the whole picture a tile is. Travels as it is, so all fields have a fixed size.
struct TileHeader {
  std::int32_t picture_width = 0;
  std::int32_t picture_height = 0;
  std::int32_t left = 0;  ///< first column of the core in the whole picture
  std::int32_t top = 0;
  std::int32_t width = 0;  ///< of the core
  std::int32_t height = 0;
  std::int32_t halo = 0;  ///< pixels around the core, on all four sides

  bool operator==(const TileHeader&) const = default;
};

/// One tile: day and night of the same ground, core and halo.
struct Tile {
  TileHeader header;
  Image day;
  Image night;
};

/// Headers of all tiles of a picture, row by row. The last column and row are narrower where the size needs it.
std::vector<TileHeader> tiles_of(int picture_width, int picture_height);

/// Cuts a tile out. East of the right edge comes the left edge (the Earth is round); beyond a pole, its last row.
Image cut(const Image& picture, const TileHeader& header);

/// A tile without its halo.
Tile without_halo(const Tile& tile);

/// Copies a tile's core to its place in the whole picture.
void paste(const Image& tile, const TileHeader& header, Image& picture);

/// One message: the header, the day pixels, the night pixels.
std::vector<std::uint8_t> pack(const Tile& tile);

/// Inverse of pack; nothing if the bytes are no tile.
std::optional<Tile> unpack(std::span<const std::uint8_t> bytes);

}  // namespace imagery
