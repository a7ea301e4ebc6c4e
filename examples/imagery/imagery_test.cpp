// The analysis on its own, without MPI: on made-up skies, and on the real pictures of Debian's xplanet-images.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "examples/imagery/chart.hpp"
#include "examples/imagery/files.hpp"
#include "examples/imagery/font.hpp"
#include "examples/imagery/lights.hpp"
#include "examples/imagery/tile.hpp"

namespace imagery {
namespace {

constexpr Colour kGrass{60, 90, 30};
constexpr Colour kSea{1, 3, 52};
constexpr Colour kLamp{250, 240, 200};
constexpr const char* kDayPath = "/usr/share/xplanet/images/earth.jpg";
constexpr const char* kNightPath = "/usr/share/xplanet/images/night.jpg";

Image painted(int width, int height, Colour colour) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) image.set(x, y, colour);
  }
  return image;
}

void light(Image& night, int x, int y, int side, Colour colour = kLamp) {
  for (int dy = 0; dy < side; ++dy) {
    for (int dx = 0; dx < side; ++dx) night.set((x + dx) % night.width, y + dy, colour);
  }
}

std::vector<Site> all_sites(const Image& day, const Image& night) {
  std::vector<Site> sites;
  for (const TileHeader& header : tiles_of(day.width, day.height)) {
    const std::vector<Site> found = find_sites({header, cut(day, header), cut(night, header)});
    sites.insert(sites.end(), found.begin(), found.end());
  }
  return fuse(sites);
}

TEST(Geometry, PlaceAndPixelAreInverse) {
  const Place tokyo{35.68, 139.69};
  const Place back = place_of(pixel_of(tokyo, 2048, 1024), 2048, 1024);
  EXPECT_NEAR(back.latitude, tokyo.latitude, 1e-9);
  EXPECT_NEAR(back.longitude, tokyo.longitude, 1e-9);
}

TEST(Geometry, CornersAreThePolesAndTheDateLine) {
  EXPECT_DOUBLE_EQ(place_of({-0.5, -0.5}, 2048, 1024).latitude, 90);
  EXPECT_DOUBLE_EQ(place_of({-0.5, -0.5}, 2048, 1024).longitude, -180);
  EXPECT_NEAR(place_of({2048, 0}, 2048, 1024).longitude, -180 + 0.5 * 360 / 2048, 1e-9) << "columns wrap";
}

TEST(Geometry, PixelsTogetherCoverTheEarth) {
  double area = 0;
  for (int y = 0; y < 1024; ++y) area += pixel_area_km2(y, 2048, 1024) * 2048;
  EXPECT_NEAR(area / 510.06e6, 1, 0.001);
}

TEST(Geometry, Distance) {
  EXPECT_NEAR(distance_degrees({0, 0}, {0, 90}), 90, 1e-9);
  EXPECT_NEAR(distance_degrees({0, 179}, {0, -179}), 2, 1e-9);
  EXPECT_NEAR(distance_degrees({60, 0}, {60, 2}), 1, 0.01);
}

TEST(Tiles, CoresCoverThePictureOnce) {
  const Image picture = [] {
    Image image(600, 300);
    for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<std::uint8_t>(i * 7 % 251);
    return image;
  }();
  Image back(600, 300);
  std::size_t pixels = 0;
  for (const TileHeader& header : tiles_of(600, 300)) {
    paste(cut(picture, header), header, back);
    pixels += static_cast<std::size_t>(header.width) * static_cast<std::size_t>(header.height);
  }
  EXPECT_EQ(back.rgb, picture.rgb);
  EXPECT_EQ(pixels, 600U * 300U);
}

TEST(Tiles, HaloWrapsRoundTheGlobe) {
  Image picture = painted(512, 256, kSea);
  picture.set(511, 100, kLamp);
  const TileHeader west = tiles_of(512, 256).front();
  EXPECT_EQ(cut(picture, west).get(kHalo - 1, kHalo + 100), kLamp);
}

TEST(Tiles, PackAndUnpack) {
  Image picture = painted(300, 280, kGrass);
  light(picture, 270, 10, 3);
  const TileHeader header = tiles_of(300, 280)[1];
  const Tile tile{header, cut(picture, header), cut(picture, header)};
  const auto back = unpack(pack(tile));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->header, header);
  EXPECT_EQ(back->day.rgb, tile.day.rgb);
  EXPECT_EQ(back->night.rgb, tile.night.rgb);
}

TEST(Tiles, UnpackRefusesWhatIsNoTile) {
  const TileHeader header = tiles_of(256, 256)[0];
  const Image blank(256 + 2 * kHalo, 256 + 2 * kHalo);
  const std::vector<std::uint8_t> bytes = pack({header, blank, blank});
  ASSERT_TRUE(unpack(bytes));
  EXPECT_FALSE(unpack({}));
  EXPECT_FALSE(unpack(std::span(bytes).first(bytes.size() - 1)));
  std::vector<std::uint8_t> negative = bytes;
  negative[19] = 0x80;  // highest byte of `width`
  EXPECT_FALSE(unpack(negative));
}

TEST(Land, ByColour) {
  EXPECT_TRUE(looks_like_land(kGrass));
  EXPECT_TRUE(looks_like_land({248, 251, 180})) << "desert";
  EXPECT_TRUE(looks_like_land({168, 147, 94})) << "steppe";
  EXPECT_FALSE(looks_like_land(kSea));
  EXPECT_FALSE(looks_like_land({20, 80, 130})) << "shallows";
  EXPECT_FALSE(looks_like_land({250, 250, 252})) << "ice";
}

TEST(Sites, OneLampIsOneSiteAtItsPlace) {
  Image night(512, 256);
  light(night, 100, 60, 3);
  const std::vector<Site> sites = all_sites(painted(512, 256, kGrass), night);
  ASSERT_EQ(sites.size(), 1U);
  const Place expected = place_of({101, 61}, 512, 256);
  EXPECT_NEAR(sites[0].place.latitude, expected.latitude, 1e-6);
  EXPECT_NEAR(sites[0].place.longitude, expected.longitude, 1e-6);
  EXPECT_GE(sites[0].pixels, 9);
}

TEST(Sites, SeaIceAndDarkHaveNone) {
  Image night(512, 256);
  light(night, 100, 60, 3);
  EXPECT_TRUE(all_sites(painted(512, 256, kSea), night).empty());
  EXPECT_TRUE(all_sites(painted(512, 256, {255, 255, 255}), night).empty());
  EXPECT_TRUE(all_sites(painted(512, 256, kGrass), Image(512, 256)).empty());
}

TEST(Sites, EachIsCountedOnceWhereverTheBordersRun) {
  const Image day = painted(1024, 512, kGrass);
  for (int x = 250; x < 262; ++x) {
    Image night(1024, 512);
    light(night, x, 254, 4);
    ASSERT_EQ(all_sites(day, night).size(), 1U) << "lamp at column " << x;
  }
}

TEST(Sites, TheDateLineIsNoBorder) {
  Image night(512, 256);
  light(night, 510, 100, 4);
  const std::vector<Site> sites = all_sites(painted(512, 256, kGrass), night);
  ASSERT_EQ(sites.size(), 1U);
  EXPECT_NEAR(std::abs(sites[0].place.longitude), 180, 1);
}

TEST(Sites, BrighterComesFirst) {
  Image night(512, 256);
  light(night, 100, 128, 3, {120, 120, 120});
  light(night, 300, 128, 4);
  const std::vector<Site> sites = all_sites(painted(512, 256, kGrass), night);
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_GT(sites[0].brightness, sites[1].brightness);
  EXPECT_GT(sites[0].place.longitude, sites[1].place.longitude);
}

class RealEarth : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string error;
    day_ = read_jpeg(kDayPath, error);
    ASSERT_TRUE(day_) << error;
    night_ = read_jpeg(kNightPath, error);
    ASSERT_TRUE(night_) << error;
    sites_ = all_sites(*day_, *night_);
  }
  static void TearDownTestSuite() {
    day_.reset();
    night_.reset();
    sites_.clear();
  }
  static inline std::optional<Image> day_;
  static inline std::optional<Image> night_;
  static inline std::vector<Site> sites_;
};

TEST_F(RealEarth, KnownCitiesShine) {
  const struct {
    const char* name;
    Place place;
  } cities[] = {{"Tokyo", {35.68, 139.69}},        {"New York", {40.71, -74.01}}, {"Cairo", {30.04, 31.24}},
                {"London", {51.51, -0.13}},        {"Moscow", {55.76, 37.62}},    {"Sao Paulo", {-23.55, -46.63}},
                {"Delhi", {28.61, 77.21}},         {"Sydney", {-33.87, 151.21}},  {"Los Angeles", {34.05, -118.24}},
                {"Johannesburg", {-26.20, 28.05}}, {"Singapore", {1.35, 103.82}}, {"Perth", {-31.95, 115.86}}};
  for (const auto& city : cities) EXPECT_NE(nearest(sites_, city.place, 2), nullptr) << city.name;
}

TEST_F(RealEarth, LonelyCitiesLieWhereTheyAre) {
  // No other bright place lies near these, so the site must be the city itself: half a degree is three pixels.
  EXPECT_NE(nearest(sites_, {-31.95, 115.86}, 0.5), nullptr) << "Perth";
  EXPECT_NE(nearest(sites_, {55.76, 37.62}, 0.5), nullptr) << "Moscow";
  EXPECT_NE(nearest(sites_, {19.43, -99.13}, 0.5), nullptr) << "Mexico City";
}

TEST_F(RealEarth, DarkPlacesAreDark) {
  EXPECT_EQ(nearest(sites_, {23, 10}, 4), nullptr) << "Sahara";
  EXPECT_EQ(nearest(sites_, {0, -140}, 10), nullptr) << "Pacific";
  EXPECT_EQ(nearest(sites_, {-5, -63}, 2), nullptr) << "Amazon";
  EXPECT_EQ(nearest(sites_, {-80, 0}, 10), nullptr) << "Antarctica";
  EXPECT_EQ(nearest(sites_, {75, -40}, 5), nullptr) << "Greenland";
}

TEST_F(RealEarth, EnoughSitesAndNotTooMany) {
  EXPECT_GT(sites_.size(), 200U);
  EXPECT_LT(sites_.size(), 3000U);
}

TEST_F(RealEarth, ChartHasTheMapAndTheMarks) {
  const Image chart = draw_chart(*day_, *night_, sites_, "SECRET//IMG");
  EXPECT_EQ(chart.width, day_->width);
  EXPECT_EQ(chart.height, day_->height + kTitleHeight + kLegendHeight);
  const Image unmarked = draw_chart(*day_, *night_, {}, "SECRET//IMG");
  EXPECT_NE(chart.rgb, unmarked.rgb);
  const Pixel brightest = pixel_of(sites_[0].place, day_->width, day_->height);
  bool ringed = false;
  for (int dx = 9; dx < 15; ++dx) {
    const int x = static_cast<int>(brightest.x) + dx;
    const int y = static_cast<int>(brightest.y) + kTitleHeight;
    ringed = ringed || chart.get(x, y) != unmarked.get(x, y);
  }
  EXPECT_TRUE(ringed);
}

TEST(Files, PngIsReadableAndCsvIsSorted) {
  const std::string folder = testing::TempDir();
  std::string error;
  ASSERT_TRUE(write_png(folder + "/imagery_test.png", painted(40, 20, kGrass), error)) << error;
  EXPECT_GT(std::filesystem::file_size(folder + "/imagery_test.png"), 60U);
  ASSERT_TRUE(write_csv(folder + "/imagery_test.csv", {{{1, 2}, 30, 4}, {{-5, 6}, 7, 8}}, error)) << error;
  std::ifstream csv(folder + "/imagery_test.csv");
  std::ostringstream text;
  text << csv.rdbuf();
  EXPECT_EQ(text.str(), "number,latitude,longitude,brightness\n1,1.000,2.000,30.0\n2,-5.000,6.000,7.0\n");
  std::filesystem::remove(folder + "/imagery_test.png");
  std::filesystem::remove(folder + "/imagery_test.csv");
}

TEST(Files, FailuresNameTheFile) {
  std::string error;
  EXPECT_FALSE(read_jpeg("/nonexistent/a.jpg", error));
  EXPECT_NE(error.find("/nonexistent/a.jpg"), std::string::npos);
  EXPECT_FALSE(read_jpeg("/etc/passwd", error));
  EXPECT_NE(error.find("Not a JPEG file"), std::string::npos) << error;
  EXPECT_FALSE(write_png("/nonexistent/a.png", Image(1, 1), error));
  EXPECT_FALSE(write_csv("/nonexistent/a.csv", {}, error));
}

TEST(Font, DrawsAndMeasures) {
  Image image(60, 10);
  draw_text(image, 0, 0, "1", kLamp, 1);
  EXPECT_EQ(image.get(2, 0), kLamp);
  EXPECT_EQ(image.get(0, 0), Colour{});
  EXPECT_EQ(text_width("AB", 2), 22);
  draw_text(image, 55, 5, "clipped", kLamp, 3);  // must stay inside the picture
  EXPECT_EQ(coordinates({35.64, -74.01}), "35.6N 74.0W");
}

}  // namespace
}  // namespace imagery
