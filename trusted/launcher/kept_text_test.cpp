#include "trusted/launcher/kept_text.hpp"

#include <gtest/gtest.h>

namespace sluice::launcher {
namespace {

TEST(KeptText, PrefixesEachLine) {
  KeptText text;
  std::string out;
  text.add(out, 0, "0: ", "a", true);
  text.add(out, 1, "1: ", "", true);
  text.add(out, 0, "", "plain\x1b", true);
  text.finish(out);
  EXPECT_EQ(out, "0: a\n1: \nplain\x1b\n");
}

TEST(KeptText, PutsPartsOfALineTogether) {
  KeptText text;
  std::string out;
  text.add(out, 0, "0: ", "long ", false);
  text.add(out, 0, "0: ", "line", true);
  EXPECT_EQ(out, "0: long line\n");
}

TEST(KeptText, DoesNotMixWriters) {
  KeptText text;
  std::string out;
  text.add(out, 0, "0: ", "cut", false);
  text.add(out, 1, "1: ", "b", true);
  text.add(out, 0, "0: ", "rest", false);
  text.finish(out);
  text.finish(out);
  EXPECT_EQ(out, "0: cut\n1: b\n0: rest\n");
}

}  // namespace
}  // namespace sluice::launcher
