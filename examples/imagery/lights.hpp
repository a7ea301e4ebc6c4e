// Finding cities by their light.
#pragma once

#include <vector>

#include "examples/imagery/geometry.hpp"
#include "examples/imagery/tile.hpp"

namespace imagery {

/// A source of light on land. Travels as four doubles.
struct Site {
  Place place;            ///< centroid of the light
  double brightness = 0;  ///< luminance (0 to 1) times ground in square kilometres, summed over the site's pixels
  double pixels = 0;      ///< size of the site in the picture
};

/// True for the colour of bare or green ground by day; false for water (blue) and ice (white).
bool looks_like_land(Colour day);

/// Sites whose brightest point lies in the core of `tile`.
///
/// A site is a peak of the smoothed night image, the brightest within kPeakRadius, on land or at most kShoreWidth
/// pixels from it, with the connected pixels around it that are at least half as bright. Nothing beyond the halo is
/// looked at and every peak lies in one core: the sites of all tiles together are those of the whole picture, each
/// once, wherever the tile borders run.
std::vector<Site> find_sites(const Tile& tile);

/// The sites of all tiles in one list, brightest first; equal ones from north to south.
std::vector<Site> fuse(std::vector<Site> sites);

/// The site nearest to `place`, or null if there is none within `degrees` of arc.
const Site* nearest(const std::vector<Site>& sites, Place place, double degrees);

}  // namespace imagery
