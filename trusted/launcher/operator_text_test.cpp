#include "trusted/launcher/operator_text.hpp"

#include <gtest/gtest.h>

namespace sluice::launcher {
namespace {

TEST(Tags, OfBothHostMpis) {
  EXPECT_EQ(split_tag(HostMpi::openmpi, "[1,12]<stderr>:text").rank, 12U);
  EXPECT_EQ(split_tag(HostMpi::openmpi, "[1,12]<stderr>:text").text, "text");
  EXPECT_EQ(split_tag(HostMpi::mpich, "[3] text").rank, 3U);
  EXPECT_EQ(split_tag(HostMpi::mpich, "[3] text").text, "text");
}

TEST(Tags, WhatOnlyLooksLikeOneStaysText) {
  for (const char* line :
       {"[1,2]<stdlog>:x", "[1]<stdout>:x", "[1,99999999999]<stdout>:x", "[,1]<stdout>:x", "[", ""}) {
    EXPECT_FALSE(split_tag(HostMpi::openmpi, line).rank) << line;
    EXPECT_EQ(split_tag(HostMpi::openmpi, line).text, line);
  }
  for (const char* line : {"[1]x", "[x] y", "[-1] x", "[1"}) EXPECT_FALSE(split_tag(HostMpi::mpich, line).rank) << line;
}

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

TEST(OperatorLine, CannotBeSpoofed) {
  const std::string line = operator_line("SECRET", "x", {1, "\r[TOP_SECRET y:0] lie"});
  EXPECT_EQ(line, "[SECRET x:1] \\x0d[TOP_SECRET y:0] lie");
}

TEST(JsonText, Escapes) { EXPECT_EQ(json_text("a\"b\\c\n\x01"), "a\\\"b\\\\c\\u000a\\u0001"); }

}  // namespace
}  // namespace sluice::launcher
