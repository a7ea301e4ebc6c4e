// The picture that the report shows.
#pragma once

#include <string>
#include <vector>

#include "examples/imagery/image.hpp"
#include "examples/imagery/lights.hpp"

namespace imagery {

/// Height of the strip above the map (title) and below it (legend), in pixels.
inline constexpr int kTitleHeight = 44;
inline constexpr int kLegendHeight = 96;

/// Draws the day picture at dusk, the lights glowing on it, and a circle and label on each of the brightest sites.
///
/// `day` and `night` have one size; the chart is as wide and kTitleHeight + kLegendHeight taller. `sites` is sorted
/// as by fuse(); `banner` is the chart's label, as in TOP_SECRET//IMG.
Image draw_chart(const Image& day, const Image& night, const std::vector<Site>& sites, const std::string& banner);

/// Coordinates as on a map: "35.6N 139.7E".
std::string coordinates(Place place);

}  // namespace imagery
