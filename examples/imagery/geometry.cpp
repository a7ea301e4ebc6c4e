#include "examples/imagery/geometry.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace imagery {
namespace {

constexpr double kRadians = std::numbers::pi / 180;
constexpr double kKmPerDegree = 111.195;  // mean Earth radius of 6371 km

}  // namespace

Place place_of(Pixel pixel, int width, int height) {
  const double turn = (pixel.x + 0.5) / width;
  const double latitude = 90 - (pixel.y + 0.5) / height * 180;
  return {latitude, (turn - std::floor(turn)) * 360 - 180};
}

Pixel pixel_of(Place place, int width, int height) {
  return {(place.longitude + 180) / 360 * width - 0.5, (90 - place.latitude) / 180 * height - 0.5};
}

double pixel_area_km2(double y, int width, int height) {
  const double latitude = place_of({0, y}, width, height).latitude;
  return 360.0 / width * kKmPerDegree * std::cos(latitude * kRadians) * (180.0 / height) * kKmPerDegree;
}

double distance_degrees(Place a, Place b) {
  const double north = std::sin((b.latitude - a.latitude) / 2 * kRadians);
  const double east = std::sin((b.longitude - a.longitude) / 2 * kRadians);
  const double chord = north * north + std::cos(a.latitude * kRadians) * std::cos(b.latitude * kRadians) * east * east;
  return 2 * std::asin(std::sqrt(std::clamp(chord, 0.0, 1.0))) / kRadians;
}

}  // namespace imagery
