// Letters for pictures: a 5 x 7 pixel font of capitals, figures and the signs that coordinates need.
#pragma once

#include <string_view>

#include "examples/imagery/image.hpp"

namespace imagery {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;

/// Width in pixels of `text` drawn at `scale`.
int text_width(std::string_view text, int scale);

/// Draws `text` with its top left corner at (x, y); what falls outside the picture is left out. Lower case is drawn
/// as capitals and a sign that the font lacks as a box.
void draw_text(Image& image, int x, int y, std::string_view text, Colour colour, int scale);

}  // namespace imagery
