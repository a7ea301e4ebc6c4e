#include "examples/imagery/lights.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace imagery {
namespace {

constexpr int kPeakRadius = 6;     // pixels; one pixel is 20 km at the equator
constexpr int kBlurRadius = 2;     // of the smoothing below
constexpr int kShoreWidth = 2;     // a harbour's brightest pixel may be coloured as water
constexpr double kThreshold = 48;  // luminance of a peak after smoothing, of 255
static_assert(kPeakRadius + kBlurRadius <= kHalo && kShoreWidth <= kHalo);

/// One number for each pixel of a tile with its halo.
struct Field {
  int width;
  int height;
  std::vector<double> values;
  Field(int columns, int rows)
      : width(columns), height(rows), values(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows)) {}
  double& at(int x, int y) {
    return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
  [[nodiscard]] double at(int x, int y) const {
    return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
};

Field luminances(const Image& image) {
  Field field(image.width, image.height);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) field.at(x, y) = luminance(image.get(x, y));
  }
  return field;
}

/// Binomial smoothing (1 4 6 4 1)/16 both ways; the outermost kBlurRadius pixels stay dark.
Field smooth(const Field& field) {
  constexpr std::array<double, 5> kWeights{1 / 16.0, 4 / 16.0, 6 / 16.0, 4 / 16.0, 1 / 16.0};
  Field across(field.width, field.height);
  Field result(field.width, field.height);
  for (int y = 0; y < field.height; ++y) {
    for (int x = kBlurRadius; x < field.width - kBlurRadius; ++x) {
      for (int k = 0; k < 5; ++k) across.at(x, y) += kWeights[static_cast<std::size_t>(k)] * field.at(x + k - 2, y);
    }
  }
  for (int y = kBlurRadius; y < field.height - kBlurRadius; ++y) {
    for (int x = 0; x < field.width; ++x) {
      for (int k = 0; k < 5; ++k) result.at(x, y) += kWeights[static_cast<std::size_t>(k)] * across.at(x, y + k - 2);
    }
  }
  return result;
}

bool within(int dx, int dy, int radius) { return dx * dx + dy * dy <= radius * radius; }

/// Brightest of its neighbourhood; of equals, the first in reading order.
bool is_peak(const Field& light, int x, int y) {
  const double here = light.at(x, y);
  if (here < kThreshold) return false;
  for (int dy = -kPeakRadius; dy <= kPeakRadius; ++dy) {
    for (int dx = -kPeakRadius; dx <= kPeakRadius; ++dx) {
      if (!within(dx, dy, kPeakRadius)) continue;
      const double there = light.at(x + dx, y + dy);
      const bool before = dy < 0 || (dy == 0 && dx < 0);
      if (there > here || (there == here && before)) return false;
    }
  }
  return true;
}

bool near_land(const Image& day, int x, int y) {
  for (int dy = -kShoreWidth; dy <= kShoreWidth; ++dy) {
    for (int dx = -kShoreWidth; dx <= kShoreWidth; ++dx) {
      if (looks_like_land(day.get(x + dx, y + dy))) return true;
    }
  }
  return false;
}

/// The connected pixels around a peak that are at least half as bright, weighed into one site.
Site measure(const Tile& tile, const Field& light, int peak_x, int peak_y) {
  const TileHeader& header = tile.header;
  const double enough = light.at(peak_x, peak_y) / 2;
  std::vector<std::pair<int, int>> found{{peak_x, peak_y}};
  Site site;
  double sum = 0;
  double sum_x = 0;
  double sum_y = 0;
  for (std::size_t next = 0; next < found.size(); ++next) {
    const auto [x, y] = found[next];
    const double value = light.at(x, y);
    const double picture_y = header.top - header.halo + y;
    sum += value;
    sum_x += value * (header.left - header.halo + x);
    sum_y += value * picture_y;
    site.brightness += value / 255 * pixel_area_km2(picture_y, header.picture_width, header.picture_height);
    for (const auto& [dx, dy] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}}) {
      const std::pair to{x + dx, y + dy};
      if (within(to.first - peak_x, to.second - peak_y, kPeakRadius) && light.at(to.first, to.second) >= enough &&
          std::find(found.begin(), found.end(), to) == found.end()) {
        found.push_back(to);
      }
    }
  }
  site.place = place_of({sum_x / sum, sum_y / sum}, header.picture_width, header.picture_height);
  site.pixels = static_cast<double>(found.size());
  return site;
}

}  // namespace

bool looks_like_land(Colour day) {
  const int red = day[0];
  const int green = day[1];
  const int blue = day[2];
  const bool ice = std::min({red, green, blue}) > 200;
  const bool water = blue > red + 15 && blue * 10 > green * 9;
  return !ice && !water && red + green + blue > 30;
}

std::vector<Site> find_sites(const Tile& tile) {
  const Field light = smooth(luminances(tile.night));
  const int halo = tile.header.halo;
  std::vector<Site> sites;
  for (int y = halo; y < halo + tile.header.height; ++y) {
    for (int x = halo; x < halo + tile.header.width; ++x) {
      if (is_peak(light, x, y) && near_land(tile.day, x, y)) sites.push_back(measure(tile, light, x, y));
    }
  }
  return sites;
}

std::vector<Site> fuse(std::vector<Site> sites) {
  std::sort(sites.begin(), sites.end(), [](const Site& a, const Site& b) {
    return std::tuple(-a.brightness, -a.place.latitude, a.place.longitude) <
           std::tuple(-b.brightness, -b.place.latitude, b.place.longitude);
  });
  return sites;
}

const Site* nearest(const std::vector<Site>& sites, Place place, double degrees) {
  const Site* best = nullptr;
  for (const Site& site : sites) {
    const double distance = distance_degrees(site.place, place);
    if (distance > degrees) continue;
    degrees = distance;
    best = &site;
  }
  return best;
}

}  // namespace imagery
