#include "trusted/launcher/rank_lines.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::launcher {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(HostMpi mpi, std::uint32_t ranks, const std::vector<std::string>& pieces) {
  Lines result;
  const auto sink = [&](const TaggedLine& line) {
    result.push_back((line.rank ? std::to_string(*line.rank) : "-") + "|" + std::string(line.text));
  };
  RankLines lines(mpi, ranks);
  for (const std::string& piece : pieces) lines.feed(piece, sink);
  lines.finish(sink);
  return result;
}

TEST(RankLines, OfOpenMpi) {
  EXPECT_EQ(lines_of(HostMpi::openmpi, 2, {"[1,0]<stdout>:a\n[1,1]<std", "out>:b\n", "mpiexec says\n"}),
            (Lines{"0|a", "1|b", "-|mpiexec says"}));
}

TEST(RankLines, OfMpich) {
  EXPECT_EQ(lines_of(HostMpi::mpich, 2, {"[0] a\n[1] [0] b\n[1]\nplain\n"}),
            (Lines{"0|a", "1|[0] b", "1|", "-|plain"}));
}

TEST(RankLines, PiecesOfSeveralRanksInOneLine) {
  EXPECT_EQ(lines_of(HostMpi::openmpi, 2, {"[1,0]<stdout>:long li[1,1]<stdout>:other\n[1,0]<stdout>:ne\n"}),
            (Lines{"1|other", "0|long line"}));
}

TEST(RankLines, EndWithoutNewline) {
  EXPECT_EQ(lines_of(HostMpi::openmpi, 2, {"[1,1]<stderr>:cut"}), (Lines{"1|cut"}));
}

TEST(RankLines, TagsOfRanksThatDoNotExistAreText) {
  EXPECT_EQ(lines_of(HostMpi::openmpi, 2, {"[1,7]<stdout>:x\n"}), (Lines{"-|[1,7]<stdout>:x"}));
  EXPECT_EQ(lines_of(HostMpi::openmpi, 2, {"[1,0]<stdout>:a[1,7]<stdout>:b\n"}), (Lines{"0|a[1,7]<stdout>:b"}));
}

TEST(RankLines, LongLinesComeInParts) {
  const std::string text(20000, 'x');
  const Lines lines = lines_of(HostMpi::openmpi, 1, {"[1,0]<stdout>:" + text + "\n"});
  std::size_t total = 0;
  for (const std::string& line : lines) {
    EXPECT_LE(line.size(), 8192U + 2);
    total += line.size() - 2;
  }
  EXPECT_EQ(total, text.size());
}

}  // namespace
}  // namespace sluice::launcher
