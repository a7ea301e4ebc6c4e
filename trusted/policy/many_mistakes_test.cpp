// Mistakes together: all at once, in order, bounded; and no input that breaks the parser.
#include <chrono>
#include <random>

#include "trusted/policy/mistakes.hpp"
#include "trusted/policy/policy_testing.hpp"
#include "wire/limits.hpp"

namespace sluice::policy {
namespace {

using testing::kFile;
using testing::kGood;
using testing::mistakes_of;
using testing::with_line;
using Lines = std::vector<std::string>;

TEST(ManyMistakes, AreReportedAllAtOnceInTheOrderOfTheFile) {
  const Lines found = mistakes_of(
      "sluice: 1\n"
      "lattice: { levels: [LOW, HIGH, LOW, \"A B\"] }\n"
      "subjects:\n"
      "  a: { label: LOW, ranks: none, run: [./a] }\n"
      "  b: { label: HIHG, ranks: 1, rum: [./b] }\n"
      "flows:\n"
      "  - { from: b, to: c }\n"
      "  - { from: a, to: b, queue: much }\n");
  EXPECT_EQ(found, (Lines{
                       "2:32: level 'LOW' is given twice; keep one",
                       "2:37: 'A B' cannot name a level; use 1 to 63 letters, digits, '_', '-' or '.'",
                       "4:27: 'ranks' of subject 'a' is 'none'; write a whole number from 1 to 4096",
                       "5:3: subject 'b' has no 'run'; add run: [./program, argument]",
                       "5:15: unknown level 'HIHG' in the label 'HIHG'; did you mean 'HIGH'?",
                       "5:31: unknown key 'rum' of subject 'b'; did you mean 'run'?",
                       "7:20: unknown subject 'c'; did you mean 'a'?",
                       "8:30: 'much' is not a size; write bytes, or a number with KiB, MiB or GiB: 256MiB",
                   }));
}

TEST(ManyMistakes, OfTheLattice) {
  EXPECT_EQ(mistakes_of("sluice: 1\nlattice: { levels: [] }\nsubjects: {}\n"),
            (Lines{"2:20: there are no levels; write levels: [UNCLASSIFIED, SECRET], lowest first",
                   "3:11: there are no subjects; write subjects: and below it NAME: { label: LEVEL, ranks: 1, run: "
                   "[./program] }"}));
  EXPECT_EQ(mistakes_of("sluice: 1\n"),
            (Lines{"1:1: the policy has no 'lattice'; add lattice: { levels: [UNCLASSIFIED, SECRET] }",
                   "1:1: the policy has no 'subjects'; add subjects: and below it NAME: { label: ..., ranks: ..., run: "
                   "... }"}));
}

TEST(ManyMistakes, FlowsThatAreNoList) {
  EXPECT_EQ(mistakes_of(std::string(kGood.substr(0, kGood.find("flows:"))) + "flows: { from: sensor, to: report }\n"),
            Lines{"17:8: 'flows' must be a list, not a map; write - { from: SUBJECT, to: SUBJECT }"});
}

TEST(ManyMistakes, AnEmptyFile) {
  EXPECT_EQ(mistakes_of(""), Lines{"1:1: the policy is empty; start with sluice: 1; docs/policy.md shows the rest"});
  EXPECT_EQ(mistakes_of("# only a comment\n").size(), 1U);
  EXPECT_EQ(mistakes_of("text\n"), Lines{"1:1: the policy must be a map, not a text"});
}

TEST(ManyMistakes, AreBounded) {
  std::string text(kGood);
  for (int i = 0; i < 5000; ++i) text += "  - { from: nobody, to: nowhere }\n";
  const Lines found = mistakes_of(text);
  ASSERT_EQ(found.size(), kMaxMistakes + 1);
  EXPECT_NE(found.back().find("there are more mistakes than are listed"), std::string::npos);
}

TEST(ManyMistakes, TooManySubjectsAreReportedOnce) {
  std::string text = "sluice: 1\nlattice: { levels: [A] }\nsubjects:\n";
  for (std::uint32_t i = 0; i < wire::kMaxSubjects + 3; ++i) {
    text += "  s" + std::to_string(i) + ": { label: A, ranks: 1, run: [x] }\n";
  }
  EXPECT_EQ(mistakes_of(text), Lines{"66:3: too many subjects; a run has at most 62"});
}

TEST(ManyMistakes, CannotSteerTheTerminal) {
  for (const std::string& line :
       mistakes_of(with_line(16, "  \"m\\e[2Jelt\\n\": { label: \"\\e[31m\", ranks: \"\\a\" }"))) {
    for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
  }
}

TEST(ManyMistakes, DeepNestingIsRefused) {
  for (const char* open : {"[", "{a: ", "- "}) {
    std::string text = "sluice:\n  ";
    for (int i = 0; i < 100000; ++i) text += open;
    const Lines found = mistakes_of(text);
    ASSERT_EQ(found.size(), 1U) << open;
    EXPECT_NE(found[0].find("nested too deeply"), std::string::npos) << found[0];
  }
}

/// One random change: a byte, a deletion, a repetition, or a splice of two places.
std::string mutated(std::string text, std::mt19937& random) {
  static constexpr std::string_view kTricky = ":-[]{}#&*!|>'\"%@`,?~\n\t \0\x80\xff/\\";
  const std::size_t at = random() % text.size();
  const std::size_t size = 1 + random() % 12;
  switch (random() % 5) {
    case 0:
      text[at] = kTricky[random() % kTricky.size()];
      break;
    case 1:
      text.insert(at, 1, kTricky[random() % kTricky.size()]);
      break;
    case 2:
      text.erase(at, size);
      break;
    case 3:
      text.insert(random() % text.size(), text.substr(at, size * 4));
      break;
    default:
      text[at] = static_cast<char>(random() & 0xff);
  }
  return text.empty() ? " " : text;
}

TEST(Mutations, NeverCrashAndAreJudgedQuickly) {
  std::mt19937 random(7);
  const auto start = std::chrono::steady_clock::now();
  int refused = 0;
  int accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text(kGood);
    for (std::uint32_t i = 0; i <= random() % 4; ++i) text = mutated(std::move(text), random);
    const auto parsed = parse(text, kFile, CheckFiles::no);
    if (parsed.ok()) {
      ++accepted;
      ASSERT_TRUE(table::check(parsed.value().table).ok()) << text;
      continue;
    }
    ++refused;
    ASSERT_FALSE(parsed.error().mistakes.empty()) << text;
    for (const Mistake& mistake : parsed.error().mistakes) ASSERT_FALSE(mistake.what.empty()) << text;
  }
  EXPECT_GT(refused, 1000) << "mutations must break policies";
  EXPECT_GT(accepted, 20) << "and not all of them";
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(120));
}

}  // namespace
}  // namespace sluice::policy
