#include "examples/imagery/chart.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "examples/imagery/font.hpp"

namespace imagery {
namespace {

constexpr std::size_t kCircled = 150;
constexpr std::size_t kLabelled = 40;
constexpr Colour kPaper{10, 14, 24};
constexpr Colour kInk{226, 232, 240};
constexpr Colour kFaintInk{128, 142, 164};
constexpr Colour kGold{255, 208, 96};
constexpr Colour kCyan{96, 224, 255};
constexpr Colour kBannerRed{150, 24, 32};

std::uint8_t channel(double value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0)); }

/// Lays `colour` over a pixel; `opacity` 0 leaves the pixel as it is, 1 replaces it.
void blend(Image& image, int x, int y, Colour colour, double opacity) {
  if (!image.contains(x, y)) return;
  Colour mixed = image.get(x, y);
  for (std::size_t i = 0; i < 3; ++i) mixed[i] = channel(mixed[i] * (1 - opacity) + colour[i] * opacity);
  image.set(x, y, mixed);
}

void fill(Image& image, int left, int top, int width, int height, Colour colour, double opacity = 1) {
  for (int y = top; y < top + height; ++y) {
    for (int x = left; x < left + width; ++x) blend(image, x, y, colour, opacity);
  }
}

/// Anti-aliased ring, `thickness` pixels wide.
void draw_ring(Image& image, double centre_x, double centre_y, double radius, double thickness, Colour colour) {
  const int reach = static_cast<int>(radius + thickness + 2);
  const int middle_x = static_cast<int>(std::lround(centre_x));
  const int middle_y = static_cast<int>(std::lround(centre_y));
  for (int y = middle_y - reach; y <= middle_y + reach; ++y) {
    for (int x = middle_x - reach; x <= middle_x + reach; ++x) {
      const double off = std::abs(std::hypot(x - centre_x, y - centre_y) - radius) - thickness / 2;
      blend(image, x, y, colour, std::clamp(0.5 - off, 0.0, 1.0));
    }
  }
}

/// Light of the night picture spread over its surroundings: box sums of growing width, which fall off like a glow.
std::vector<double> glow_of(const Image& night) {
  const auto count = static_cast<std::size_t>(night.width) * static_cast<std::size_t>(night.height);
  std::vector<double> light(count);
  for (std::size_t i = 0; i < count; ++i) {
    light[i] = (night.rgb[3 * i] + night.rgb[3 * i + 1] + night.rgb[3 * i + 2]) / 3.0;
  }
  const auto blurred = [&](const std::vector<double>& from, int radius, std::size_t step, std::size_t line) {
    std::vector<double> to(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
      const auto along = static_cast<int>(i / step % line);
      double sum = 0;
      for (int k = -radius; k <= radius; ++k) {
        const int at = std::clamp(along + k, 0, static_cast<int>(line) - 1) - along;
        sum += from[static_cast<std::size_t>(static_cast<std::ptrdiff_t>(i) + at * static_cast<std::ptrdiff_t>(step))];
      }
      to[i] = sum / (2 * radius + 1);
    }
    return to;
  };
  const auto width = static_cast<std::size_t>(night.width);
  const auto height = static_cast<std::size_t>(night.height);
  std::vector<double> glow = light;
  for (const int radius : {1, 3, 6}) {
    light = blurred(blurred(light, radius, 1, width), radius, width, height);
    for (std::size_t i = 0; i < count; ++i) glow[i] += light[i] * radius * 0.35;
  }
  return glow;
}

/// The day picture at dusk with the lights on.
Image draw_map(const Image& day, const Image& night) {
  Image map(day.width, day.height);
  const std::vector<double> glow = glow_of(night);
  constexpr std::array<double, 3> kDusk{0.36, 0.40, 0.52};
  constexpr std::array<double, 3> kLamp{1.0, 0.78, 0.42};
  for (std::size_t i = 0; i < glow.size(); ++i) {
    // Compresses the glow, so that a megacity is brighter than a town without going flat white.
    const double lamp = 340 * glow[i] / (glow[i] + 150);
    for (std::size_t c = 0; c < 3; ++c) {
      // Raised to a power so that bright deserts and ice do not outshine the lights.
      const double ground = 255 * std::pow(day.rgb[3 * i + c] / 255.0, 1.15) * kDusk[c];
      map.rgb[3 * i + c] = channel(ground + lamp * kLamp[c]);
    }
  }
  return map;
}

void draw_graticule(Image& chart, int map_height) {
  for (int degrees = 30; degrees < 360; degrees += 30) {
    const int x = degrees * chart.width / 360;
    for (int y = 0; y < map_height; y += 3) blend(chart, x, kTitleHeight + y, kInk, 0.16);
  }
  for (int degrees = 30; degrees < 180; degrees += 30) {
    const int y = degrees * map_height / 180;
    for (int x = 0; x < chart.width; x += 3) blend(chart, x, kTitleHeight + y, kInk, degrees == 90 ? 0.34 : 0.16);
  }
}

struct Box {
  int left;
  int top;
  int width;
  int height;
};

bool overlap(const Box& a, const Box& b) {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

/// Puts a label beside its circle where it covers no other; leaves it out where there is no such place.
void place_label(Image& chart, const std::string& text, const Box& circle, std::vector<Box>& taken) {
  const int width = text_width(text, 1) + 6;
  const int height = kGlyphHeight + 6;
  const int middle = circle.top + (circle.height - height) / 2;
  const int right = circle.left + circle.width + 3;
  const int left = circle.left - width - 3;
  const int above = circle.top - height - 2;
  const int below = circle.top + circle.height + 2;
  const int centre = circle.left + (circle.width - width) / 2;
  const Box places[] = {{right, middle, width, height}, {left, middle, width, height}, {centre, above, width, height},
                        {centre, below, width, height}, {right, above, width, height}, {right, below, width, height},
                        {left, above, width, height},   {left, below, width, height}};
  for (const Box& box : places) {
    const bool inside = box.left >= 0 && box.left + box.width <= chart.width && box.top >= kTitleHeight;
    if (!inside || std::any_of(taken.begin(), taken.end(), [&](const Box& other) { return overlap(box, other); })) {
      continue;
    }
    taken.push_back(box);
    fill(chart, box.left, box.top, box.width, box.height, kPaper, 0.72);
    draw_text(chart, box.left + 3, box.top + 3, text, kInk, 1);
    return;
  }
}

double radius_of(const Site& site, const Site& brightest) {
  return 3 + 9 * std::sqrt(site.brightness / brightest.brightness);
}

void draw_sites(Image& chart, const std::vector<Site>& sites, int map_height) {
  std::vector<Box> taken;
  std::vector<Box> circles;
  for (std::size_t i = 0; i < std::min(kCircled, sites.size()); ++i) {
    const Pixel at = pixel_of(sites[i].place, chart.width, map_height);
    const double radius = radius_of(sites[i], sites.front());
    draw_ring(chart, at.x, at.y + kTitleHeight, radius, i < kLabelled ? 1.8 : 1.1, i < kLabelled ? kCyan : kGold);
    const int side = static_cast<int>(2 * radius);
    circles.push_back({static_cast<int>(at.x - radius), static_cast<int>(at.y + kTitleHeight - radius), side, side});
  }
  const std::size_t labels = std::min(kLabelled, circles.size());
  taken.assign(circles.begin(), circles.begin() + static_cast<std::ptrdiff_t>(labels));
  for (std::size_t i = 0; i < labels; ++i) {
    place_label(chart, std::to_string(i + 1) + " " + coordinates(sites[i].place), circles[i], taken);
  }
}

void draw_title(Image& chart, const std::string& banner) {
  fill(chart, 0, 0, chart.width, kTitleHeight, kBannerRed);
  draw_text(chart, (chart.width - text_width(banner, 3)) / 2, 12, banner, kInk, 3);
  draw_text(chart, 20, 15, "NIGHT LIGHTS ON LAND", kInk, 2);
}

void draw_legend(Image& chart, int top, const std::vector<Site>& sites, const std::string& banner) {
  fill(chart, 0, top, chart.width, kLegendHeight, kPaper);
  draw_ring(chart, 40, top + 30, 13, 2, kCyan);
  draw_text(chart, 66, top + 23, "THE " + std::to_string(std::min(kLabelled, sites.size())) + " BRIGHTEST, NUMBERED",
            kInk, 2);
  draw_ring(chart, 40, top + 66, 8, 1.2, kGold);
  draw_text(chart, 66, top + 59, "OTHER BRIGHT SITES", kInk, 2);
  const int column = chart.width * 2 / 5;
  draw_text(chart, column, top + 23, std::to_string(sites.size()) + " SITES FOUND, SIZE OF CIRCLE BY BRIGHTNESS", kInk,
            2);
  draw_text(chart, column, top + 59, "UNCLASSIFIED TILES > SECRET//IMG SITES > " + banner + " REPORT", kFaintInk, 2);
}

}  // namespace

std::string coordinates(Place place) {
  char text[32];
  static_cast<void>(std::snprintf(text, sizeof text, "%.1f%c %.1f%c", std::abs(place.latitude),
                                  place.latitude < 0 ? 'S' : 'N', std::abs(place.longitude),
                                  place.longitude < 0 ? 'W' : 'E'));
  return text;
}

Image draw_chart(const Image& day, const Image& night, const std::vector<Site>& sites, const std::string& banner) {
  Image chart(day.width, day.height + kTitleHeight + kLegendHeight);
  const Image map = draw_map(day, night);
  std::copy(map.rgb.begin(), map.rgb.end(), chart.rgb.begin() + static_cast<std::ptrdiff_t>(chart.at(0, kTitleHeight)));
  draw_graticule(chart, day.height);
  draw_sites(chart, sites, day.height);
  draw_title(chart, banner);
  draw_legend(chart, kTitleHeight + day.height, sites, banner);
  return chart;
}

}  // namespace imagery
