#include "examples/imagery/tile.hpp"

#include <algorithm>
#include <cstring>

namespace imagery {
namespace {

constexpr std::int32_t kLargestSide = 1 << 14;

bool plausible(const TileHeader& header) {
  const auto side = [](std::int32_t value) { return value > 0 && value <= kLargestSide; };
  return side(header.picture_width) && side(header.picture_height) && side(header.width) && side(header.height) &&
         header.halo >= 0 && header.halo <= kLargestSide && header.left >= 0 && header.top >= 0 &&
         header.left + header.width <= header.picture_width && header.top + header.height <= header.picture_height;
}

Image crop(const Image& image, int margin) {
  Image core(image.width - 2 * margin, image.height - 2 * margin);
  for (int y = 0; y < core.height; ++y) {
    const auto* row = &image.rgb[image.at(margin, y + margin)];
    std::copy_n(row, static_cast<std::size_t>(core.width) * 3, &core.rgb[core.at(0, y)]);
  }
  return core;
}

}  // namespace

std::vector<TileHeader> tiles_of(int picture_width, int picture_height) {
  std::vector<TileHeader> tiles;
  for (int top = 0; top < picture_height; top += kTileSide) {
    for (int left = 0; left < picture_width; left += kTileSide) {
      tiles.push_back({picture_width, picture_height, left, top, std::min(kTileSide, picture_width - left),
                       std::min(kTileSide, picture_height - top), kHalo});
    }
  }
  return tiles;
}

Image cut(const Image& picture, const TileHeader& header) {
  Image tile(header.width + 2 * header.halo, header.height + 2 * header.halo);
  for (int y = 0; y < tile.height; ++y) {
    const int from_y = std::clamp(header.top - header.halo + y, 0, picture.height - 1);
    for (int x = 0; x < tile.width; ++x) {
      const int column = (header.left - header.halo + x) % picture.width;
      tile.set(x, y, picture.get(column < 0 ? column + picture.width : column, from_y));
    }
  }
  return tile;
}

Tile without_halo(const Tile& tile) {
  Tile core{tile.header, crop(tile.day, tile.header.halo), crop(tile.night, tile.header.halo)};
  core.header.halo = 0;
  return core;
}

void paste(const Image& tile, const TileHeader& header, Image& picture) {
  const Image core = crop(tile, header.halo);
  for (int y = 0; y < core.height; ++y) {
    std::copy_n(&core.rgb[core.at(0, y)], static_cast<std::size_t>(core.width) * 3,
                &picture.rgb[picture.at(header.left, header.top + y)]);
  }
}

std::vector<std::uint8_t> pack(const Tile& tile) {
  std::vector<std::uint8_t> bytes(sizeof tile.header);
  std::memcpy(bytes.data(), &tile.header, sizeof tile.header);
  bytes.insert(bytes.end(), tile.day.rgb.begin(), tile.day.rgb.end());
  bytes.insert(bytes.end(), tile.night.rgb.begin(), tile.night.rgb.end());
  return bytes;
}

std::optional<Tile> unpack(std::span<const std::uint8_t> bytes) {
  Tile tile;
  if (bytes.size() < sizeof tile.header) return std::nullopt;
  std::memcpy(&tile.header, bytes.data(), sizeof tile.header);
  if (!plausible(tile.header)) return std::nullopt;
  const int halo = tile.header.halo;
  tile.day = Image(tile.header.width + 2 * halo, tile.header.height + 2 * halo);
  tile.night = tile.day;
  const auto pixels = bytes.subspan(sizeof tile.header);
  if (pixels.size() != tile.day.rgb.size() * 2) return std::nullopt;
  std::copy_n(pixels.begin(), tile.day.rgb.size(), tile.day.rgb.begin());
  std::copy(pixels.begin() + static_cast<std::ptrdiff_t>(tile.day.rgb.size()), pixels.end(), tile.night.rgb.begin());
  return tile;
}

}  // namespace imagery
