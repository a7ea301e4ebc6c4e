// Decisions, and what the commands print of them.
#include "trusted/policy/report.hpp"

#include "trusted/policy/json.hpp"
#include "trusted/policy/policy_testing.hpp"
#include "trusted/policy/render_dot.hpp"
#include "trusted/policy/text.hpp"
#include "wire/privilege_table.hpp"

namespace sluice::policy {
namespace {

using testing::kFile;
using testing::kGood;

enum : std::uint32_t { kSensor, kAnalyst, kReport, kMelt };

Policy good() { return parse(kGood, kFile, CheckFiles::no).value(); }

TEST(Explain, AListedFlow) {
  const Explanation why = explain(good(), kSensor, kAnalyst);
  EXPECT_TRUE(why.allowed);
  EXPECT_EQ(why.cause, Cause::flow);
  EXPECT_EQ(why.line, 18U);
  EXPECT_EQ(why.reason, "sensor (LOW) -> analyst (MID//IMG): allowed by the flow at line 18");
  EXPECT_TRUE(why.change.empty());
}

TEST(Explain, ADowngrade) {
  const Explanation why = explain(good(), kReport, kSensor);
  EXPECT_TRUE(why.allowed);
  EXPECT_EQ(why.cause, Cause::downgrade);
  EXPECT_EQ(why.reason, "report (HIGH//IMG/NUC) -> sensor (LOW): allowed by downgrade 'release' at line 20");
}

TEST(Explain, AFlowThatIsOnlyNotListed) {
  const Explanation why = explain(good(), kSensor, kReport);
  EXPECT_FALSE(why.allowed);
  EXPECT_EQ(why.cause, Cause::no_flow);
  EXPECT_EQ(why.line, 17U);
  EXPECT_TRUE(why.failing.empty());
  EXPECT_EQ(why.change, "add to flows: - { from: sensor, to: report }");
}

TEST(Explain, BothFailingCoordinates) {
  const Explanation why = explain(good(), kReport, kAnalyst);
  EXPECT_EQ(why.cause, Cause::lattice);
  EXPECT_EQ(why.failing,
            (std::vector<std::string>{"level HIGH is above MID", "compartment NUC is missing at the receiver"}));
  EXPECT_EQ(
      why.change,
      "raise the label of analyst to HIGH//IMG/NUC and add to flows: - { from: report, to: analyst }; or add only "
      "the flow, with downgrade: NAME");
}

TEST(Explain, AWorldOfItsOwn) {
  EXPECT_EQ(explain(good(), kMelt, kReport).cause, Cause::own_world);
  EXPECT_EQ(explain(good(), kSensor, kMelt).cause, Cause::own_world);
  EXPECT_EQ(explain(good(), kSensor, kMelt).change,
            "give melt 'world: run', then add to flows: - { from: sensor, to: melt }");
  const Explanation down = explain(good(), kReport, kMelt);
  EXPECT_EQ(down.failing.size(), 3U) << "the lattice forbids it as well";
  EXPECT_NE(down.change.find("raise the label of melt to HIGH//IMG/NUC"), std::string::npos) << down.change;
}

TEST(Explain, TheSameSubject) {
  EXPECT_TRUE(explain(good(), kMelt, kMelt).allowed);
  EXPECT_EQ(explain(good(), kMelt, kMelt).cause, Cause::same_subject);
}

/// The change that an explanation proposes must be one: applied, the flow is allowed.
TEST(Explain, TheProposedChangesAllowTheFlow) {
  const auto allowed_with = [](const std::string& text) {
    const auto parsed = parse(text, kFile, CheckFiles::no);
    EXPECT_TRUE(parsed.ok()) << describe(parsed.error(), kFile);
    return parsed.ok() && explain(parsed.value(), kAnalyst, kSensor).allowed;
  };
  const std::string base(kGood);
  EXPECT_FALSE(allowed_with(base));
  EXPECT_TRUE(allowed_with(base + "  - { from: analyst, to: sensor, downgrade: NAME }\n"));
  const std::string raised = "raise the label of sensor to MID//IMG";
  EXPECT_EQ(explain(good(), kAnalyst, kSensor).change.substr(0, raised.size()), raised);
  EXPECT_TRUE(allowed_with(testing::with_line(7, "    label: MID//IMG") + "  - { from: analyst, to: sensor }\n"));
}

TEST(Compile, CutsLongTextsToTheirFields) {
  const std::string name(60, 'x');
  const std::string text = "sluice: 1\nlattice: { levels: [A, B], compartments: [" + name + "1, " + name + "2, " +
                           name + "3] }\nsubjects:\n  " + name + "a: { label: B//" + name + "1/" + name + "2/" + name +
                           "3, ranks: 1, run: [x] }\n  " + name + "b: { label: A, ranks: 1, run: [x] }\n";
  const auto parsed = parse(text, kFile, CheckFiles::no);
  ASSERT_TRUE(parsed.ok()) << describe(parsed.error(), kFile);
  const table::Decision& decision = parsed.value().table.decision(0, 1);
  EXPECT_EQ(decision.reason.size(), wire::kReasonBytes - 1);
  EXPECT_TRUE(decision.reason.ends_with("..."));
  EXPECT_TRUE(table::decode(table::encode(parsed.value().table)).ok());
}

TEST(Show, NamesEverythingThatIsCompiled) {
  const std::string text = show(good(), Colour::no);
  for (const char* part :
       {"LOW < MID < HIGH", "HIGH//IMG/NUC", "TILE=256", "64MiB", "release", "analyst:0-2", "map.jpg"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_NE(show(good(), Colour::yes).find('\033'), std::string::npos);
}

TEST(Graph, DrawsFlowsSolidAndDenialsDashed) {
  const std::string dot = graph_dot(good());
  EXPECT_NE(dot.find("s0 -> s1 [label=\"64MiB\""), std::string::npos) << dot;
  EXPECT_NE(dot.find("s1 -> s0 [style=dashed, color=red"), std::string::npos) << dot;
  EXPECT_EQ(dot.find("s0 -> s1 [style=dashed"), std::string::npos) << dot;
  EXPECT_NE(dot.find("downgrade release"), std::string::npos) << dot;
}

constexpr std::chrono::seconds kLimit(20);

TEST(Render, PassesInputAndOutput) {
  const std::string long_text(300000, 'x');
  EXPECT_EQ(filter({"cat"}, long_text, kLimit).value(), long_text) << "more than a pipe holds";
}

TEST(Render, SaysWhatIsMissing) {
  const auto svg = filter({"no-such-program-as-this"}, "", kLimit);
  ASSERT_FALSE(svg.ok());
  EXPECT_EQ(svg.error(), RenderError::missing);
  EXPECT_NE(describe(svg.error()).find("package graphviz"), std::string::npos);
}

TEST(Render, ReportsAProgramThatFailsAndKillsOneThatHangs) {
  EXPECT_EQ(filter({"false"}, "", kLimit).error(), RenderError::failed);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(filter({"sleep", "60"}, "", std::chrono::milliseconds(50)).error(), RenderError::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kLimit);
}

TEST(JsonText, EscapesWhatItMust) {
  Json json;
  json.open_object().key("a\"b").text("x\n\\\x01\xff\xc3\xa9").key("n").number(7U).key("l").open_list();
  json.boolean(true).null().open_object().close_object().close_list().close_object();
  EXPECT_EQ(std::move(json).take(),
            "{\"a\\\"b\":\"x\\u000a\\\\\\u0001\\ufffd\xc3\xa9\",\"n\":7,\"l\":[true,null,{}]}\n");
}

TEST(Text, ReadsAndPrintsSizes) {
  EXPECT_EQ(parse_size("256MiB"), std::uint64_t{256} << 20);
  EXPECT_EQ(parse_size("3 GiB"), std::uint64_t{3} << 30);
  EXPECT_EQ(parse_size("1536KiB"), std::uint64_t{1536} << 10);
  EXPECT_EQ(parse_size("1000001"), std::uint64_t{1000001});
  for (const char* bad : {"", "MiB", "1.5MiB", "1mib", "1 M", "+1", " 1", "1MiBMiB", "18014398509481985KiB"}) {
    EXPECT_FALSE(parse_size(bad).has_value()) << bad;
  }
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 20, std::uint64_t{3} << 30}) {
    EXPECT_EQ(parse_size(print_size(bytes)), bytes);
  }
  EXPECT_EQ(print_size(std::uint64_t{1} << 30), "1GiB");
}

TEST(Text, ClipsAtACharacter) {
  EXPECT_EQ(clip("short", 6), "short");
  EXPECT_EQ(clip("longer text", 8), "long...");
  EXPECT_EQ(clip("abc\xc3\xa9xyz", 8), "abc...") << "never half a character";
}

TEST(Text, EscapesControlCharacters) {
  EXPECT_EQ(printable("a\x1b[2J\xc3\xa9\xff\x7f"), "a\\x1b[2J\xc3\xa9\\xff\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "the one-character CSI";
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("plain/word-1"), "plain/word-1");
}

}  // namespace
}  // namespace sluice::policy
