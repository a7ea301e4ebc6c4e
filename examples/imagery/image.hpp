// A picture in memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace imagery {

using Colour = std::array<std::uint8_t, 3>;  ///< red, green, blue

/// Red, green and blue bytes, row by row from the top left.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;

  Image() = default;
  Image(int columns, int rows)
      : width(columns), height(rows), rgb(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows) * 3) {}

  /// Place of pixel (x, y) in `rgb`.
  [[nodiscard]] std::size_t at(int x, int y) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 3;
  }
  [[nodiscard]] bool contains(int x, int y) const { return x >= 0 && y >= 0 && x < width && y < height; }
  [[nodiscard]] Colour get(int x, int y) const {
    const std::size_t place = at(x, y);
    return {rgb[place], rgb[place + 1], rgb[place + 2]};
  }
  void set(int x, int y, Colour colour) {
    const std::size_t place = at(x, y);
    rgb[place] = colour[0];
    rgb[place + 1] = colour[1];
    rgb[place + 2] = colour[2];
  }
};

/// Mean of the three channels, 0 to 255.
inline double luminance(Colour colour) { return (colour[0] + colour[1] + colour[2]) / 3.0; }

}  // namespace imagery
