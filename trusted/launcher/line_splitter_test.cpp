#include "trusted/launcher/line_splitter.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::launcher {
namespace {

using Lines = std::vector<std::string>;

/// The lines of what comes in these pieces, each with $ where a newline ended it.
Lines lines_of(const std::vector<std::string>& pieces) {
  Lines result;
  const auto sink = [&](std::string_view text, bool ended) {
    result.push_back(std::string(text) + (ended ? "$" : ""));
  };
  LineSplitter splitter;
  for (const std::string& piece : pieces) splitter.feed(piece, sink);
  splitter.finish(sink);
  return result;
}

TEST(LineSplitter, PutsPiecesTogether) {
  EXPECT_EQ(lines_of({"a\nlong ", "li", "ne\n\nb\n"}), (Lines{"a$", "long line$", "$", "b$"}));
}

TEST(LineSplitter, GivesALastLineWithoutItsEnd) {
  EXPECT_EQ(lines_of({"a\nlast"}), (Lines{"a$", "last"}));
  EXPECT_EQ(lines_of({"a\n"}), (Lines{"a$"}));
  EXPECT_EQ(lines_of({}), Lines{});
}

TEST(LineSplitter, LongLinesComeInPartsAndLoseNothing) {
  for (const std::size_t extra : {std::size_t{0}, std::size_t{1}, LineSplitter::kMaxLine}) {
    const std::string text(LineSplitter::kMaxLine + extra, 'x');
    std::string whole;
    for (const std::string& part : lines_of({text + "\n"})) {
      EXPECT_LE(part.size(), LineSplitter::kMaxLine + 1);
      whole += part;
    }
    EXPECT_EQ(whole, text + "$");
  }
}

TEST(LineSplitter, KeepsEveryByte) {
  const std::string text("\0\r\x1b[\xff", 5);
  EXPECT_EQ(lines_of({text + "\n"}), (Lines{text + "$"}));
}

}  // namespace
}  // namespace sluice::launcher
