// Pictures and tables on disk.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "examples/imagery/image.hpp"
#include "examples/imagery/lights.hpp"

namespace imagery {

/// Decodes a JPEG. On failure returns nothing and puts the file and the reason into `error`.
std::optional<Image> read_jpeg(const std::string& path, std::string& error);

/// Writes a PNG. Returns false, with the file and the reason in `error`, if it could not.
bool write_png(const std::string& path, const Image& image, std::string& error);

/// Writes sites as CSV: number,latitude,longitude,brightness (degrees; see Site). Same failure as write_png.
bool write_csv(const std::string& path, const std::vector<Site>& sites, std::string& error);

}  // namespace imagery
