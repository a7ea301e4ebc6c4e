#include "trusted/launcher/operator_text.hpp"

#include <gtest/gtest.h>

namespace sluice::launcher {
namespace {

TEST(Sanitise, KeepsText) {
  EXPECT_EQ(sanitise("a\tb \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"), "a\tb \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
}

TEST(Sanitise, ShowsWhatMovesTheCursorOrTheText) {
  EXPECT_EQ(sanitise("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(sanitise("a\rb\bc\x7f"), "a\\x0db\\x08c\\x7f");
  EXPECT_EQ(sanitise("\xc2\x9b"
                     "2J"),
            "\\xc2\\x9b"
            "2J");  // the 8-bit form of ESC [
  EXPECT_EQ(sanitise("\xe2\x80\xae"
                     "x"),
            "\\xe2\\x80\\xae"
            "x");  // right-to-left override
  EXPECT_EQ(sanitise(std::string_view("\0", 1)), "\\x00");
}

TEST(Sanitise, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(sanitise("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(sanitise("\xc0\x8a"), "\\xc0\\x8a");           // overlong newline
  EXPECT_EQ(sanitise("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
}

TEST(LineTag, SaysWhoWrote) {
  EXPECT_EQ(line_tag("SECRET//IMG", "x", 1), "[SECRET//IMG x:1] ");
  EXPECT_EQ(line_tag("SECRET", "x", std::nullopt), "[SECRET x] ");
}

TEST(LineTag, CannotBeSpoofed) {
  EXPECT_EQ(line_tag("SECRET", "x", 1) + sanitise("\r[TOP_SECRET y:0] lie"), "[SECRET x:1] \\x0d[TOP_SECRET y:0] lie");
}

TEST(JsonText, Escapes) { EXPECT_EQ(json_text("a\"b\\c\n\x01"), "a\\\"b\\\\c\\u000a\\u0001"); }

}  // namespace
}  // namespace sluice::launcher
