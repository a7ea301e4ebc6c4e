// Where on Earth a pixel of an equirectangular picture lies: 180 W at the left, 90 N at the top.
#pragma once

namespace imagery {

struct Place {
  double latitude = 0;   ///< degrees, north positive
  double longitude = 0;  ///< degrees, east positive, -180 to 180
};

struct Pixel {
  double x = 0;  ///< column; whole numbers are pixel centres
  double y = 0;
};

/// Place of a pixel of a width x height picture. Columns past either edge wrap round the globe.
Place place_of(Pixel pixel, int width, int height);

/// Inverse of place_of.
Pixel pixel_of(Place place, int width, int height);

/// Ground that one pixel of row `y` covers, in square kilometres.
double pixel_area_km2(double y, int width, int height);

/// Great-circle distance in degrees of arc.
double distance_degrees(Place a, Place b);

}  // namespace imagery
