// Parsing: what a good policy becomes, and the exact place and words of each mistake.
#include "trusted/policy/policy_testing.hpp"

namespace sluice::policy {
namespace {

using testing::kFile;
using testing::kGood;
using testing::mistakes_of;
using testing::with_line;
using Lines = std::vector<std::string>;

TEST(Parse, KeepsWhatAGoodPolicySays) {
  const auto parsed = parse(kGood, kFile, CheckFiles::no);
  ASSERT_TRUE(parsed.ok()) << describe(parsed.error(), kFile);
  const Policy& policy = parsed.value();
  EXPECT_EQ(policy.folder, "/policies");
  ASSERT_EQ(policy.subjects.size(), 4U);
  const Subject& sensor = policy.subjects[0];
  EXPECT_EQ(sensor.name, "sensor");
  EXPECT_EQ(sensor.label_text, "LOW");
  EXPECT_EQ(sensor.ranks, 2U);
  EXPECT_EQ(sensor.run, (Lines{"./sensor", "map.jpg"}));
  EXPECT_EQ(sensor.image, "/policies/sensor");
  EXPECT_EQ(sensor.mpi, Mpi::openmpi);
  EXPECT_EQ(sensor.place, (Place{6, 3}));
  ASSERT_EQ(sensor.files.size(), 2U);
  EXPECT_EQ(sensor.files[0].written, "map.jpg");
  EXPECT_EQ(sensor.files[0].visible, "/policies/map.jpg");
  EXPECT_EQ(sensor.files[0].access, Access::read);
  EXPECT_EQ(sensor.files[1].access, Access::write);
  ASSERT_EQ(sensor.environment.size(), 1U);
  EXPECT_EQ(sensor.environment[0], (std::pair<std::string, std::string>("TILE", "256")));
  EXPECT_EQ(sensor.world, World::run);
  EXPECT_EQ(policy.subjects[1].mpi, Mpi::mpich);
  EXPECT_EQ(policy.subjects[2].label_text, "HIGH//IMG/NUC") << "in the lattice's order";
  EXPECT_EQ(policy.subjects[2].mpi, Mpi::automatic);
  EXPECT_EQ(policy.subjects[3].world, World::subject);
  EXPECT_TRUE(policy.subjects[3].image.empty()) << "not looked for";
}

TEST(Parse, CompilesTheTables) {
  const table::RunTable table = parse(kGood, kFile, CheckFiles::no).value().table;
  EXPECT_TRUE(table::check(table).ok());
  EXPECT_EQ(table.rank_count(), 10U);
  EXPECT_EQ(table.world_size(), 6U);
  EXPECT_EQ(table.subjects[2].first_rank, 5U);
  EXPECT_EQ(table.subjects[3].first_rank, 6U) << "after the world";
  ASSERT_EQ(table.flows.size(), 3U);
  EXPECT_EQ(table.flows[0].queue_bytes, std::uint64_t{64} << 20);
  EXPECT_EQ(table.flows[1].queue_bytes, std::uint64_t{256} << 20) << "the default";
  EXPECT_EQ(table.flows[2].downgrade, "release");
  EXPECT_EQ(table.flows[2].policy_line, 20U);
}

TEST(Parse, NeedsNoFlows) {
  const auto parsed = parse("sluice: 1\nlattice: {levels: [A]}\nsubjects: {one: {label: A, ranks: 1, run: [x]}}\n",
                            kFile, CheckFiles::no);
  ASSERT_TRUE(parsed.ok()) << describe(parsed.error(), kFile);
  EXPECT_EQ(parsed.value().flows_line, 3U);
  EXPECT_TRUE(parse(with_line(18, ""), kFile, CheckFiles::no).ok());
}

TEST(Parse, ReadsTheLargestRunAndRefusesOneRankMore) {
  EXPECT_EQ(mistakes_of(with_line(16, "  melt: { label: MID, ranks: 4090, run: [lmp], world: subject }")), Lines{});
  EXPECT_EQ(mistakes_of(with_line(16, "  melt: { label: MID, ranks: 4091, run: [lmp], world: subject }")),
            Lines{"16:30: the run has more than 4096 ranks, counting subject 'melt'; all subjects before it have 6; "
                  "use fewer"});
}

struct Case {
  const char* name;
  std::uint32_t line;
  const char* text;
  const char* mistake;  ///< its beginning; the only mistake
};

class ParseMistake : public ::testing::TestWithParam<Case> {};

TEST_P(ParseMistake, IsLocatedAndExplained) {
  const Lines found = mistakes_of(with_line(GetParam().line, GetParam().text));
  ASSERT_EQ(found.size(), 1U) << ::testing::PrintToString(found);
  EXPECT_EQ(found[0].substr(0, std::string_view(GetParam().mistake).size()), GetParam().mistake);
}

const Case kTop[] = {
    {"Version", 1, "sluice: 2", "1:9: unknown version '2' of the policy language; this Sluice reads version 1"},
    {"NoVersion", 1, "", "1:1: the policy has no 'sluice'; add sluice: 1"},
    {"UnknownKey", 17, "flow:", "17:1: unknown key 'flow' of the policy; did you mean 'flows'?"},
    {"KeyTwice", 1, "sluice: 1\nsluice: 1", "2:1: key 'sluice' is defined twice; the first is at line 1; keep one"},
    {"Tab", 7, "\tlabel: LOW", "7:1: a tab indents this line; indent with spaces"},
    {"TabAfterSpaces", 7, "  \tlabel: LOW", "7:3: a tab indents this line; indent with spaces"},
    {"NotUtf8", 9, "    run: [./sensor, \xff]", "9:21: this byte is not UTF-8; save the policy as UTF-8"},
    {"ControlCharacter", 9, "    run: [./sensor, \x1b[2J]", "9:21: a control character; remove it"},
    {"ZeroByte", 9, "    run: [\"a\\0b\"]", "9:11: a text may not hold a zero byte"},
    {"Anchor", 7, "    label: &x LOW", "7:12: an anchor (&NAME) is not allowed"},
    {"Tag", 8, "    ranks: !!int 2", "8:12: the tag 'tag:yaml.org,2002:int' is not allowed"},
    {"SecondDocument", 17, "---\nflows:", "17:1: a second document starts here; a policy is one document"},
    {"OpenBracket", 3, "  levels: [LOW, MID, HIGH", "4:15: this is not YAML: "},
};
const Case kLattice[] = {
    {"LevelName", 3, "  levels: [LOW, MID, HIGH, A/B]", "3:28: 'A/B' cannot name a level; use 1 to 63 letters"},
    {"LevelTwice", 3, "  levels: [LOW, MID, HIGH, LOW]", "3:28: level 'LOW' is given twice; keep one"},
    {"LevelList", 3, "  levels: [LOW, MID, HIGH, [X]]", "3:28: a level must be a text, not a list"},
    {"CompartmentTwice", 4, "  compartments: [IMG, NUC, IMG]", "4:28: compartment 'IMG' is given twice; keep one"},
    {"CompartmentsNoList", 4, "  compartments: [IMG, NUC]\n  compartment: X",
     "5:3: unknown key 'compartment' of 'lattice'"},
};
const Case kSubjects[] = {
    {"UnknownKey", 7, "    lable: LOW\n    label: LOW",
     "7:5: unknown key 'lable' of subject 'sensor'; did you mean 'label'?"},
    {"NoLabel", 7, "", "6:3: subject 'sensor' has no 'label'; add label: LEVEL or LEVEL//C1/C2"},
    {"EmptyLabel", 7, "    label:", "7:5: the label of subject 'sensor' is empty; write LEVEL or LEVEL//C1/C2"},
    {"LabelNoText", 7, "    label: [LOW]", "7:12: the label of subject 'sensor' must be a text, not a list"},
    {"UnknownLevel", 7, "    label: LOWW", "7:12: unknown level 'LOWW' in the label 'LOWW'; did you mean 'LOW'?"},
    {"UnknownLevelFar", 7, "    label: COSMIC",
     "7:12: unknown level 'COSMIC' in the label 'COSMIC'; a level is one of LOW, MID, HIGH"},
    {"SingleSlash", 7, "    label: LOW/IMG",
     "7:12: unknown level 'LOW/IMG' in the label 'LOW/IMG'; write LEVEL or LEVEL//"},
    {"UnknownCompartment", 7, "    label: LOW//IMX",
     "7:12: unknown compartment 'IMX' in the label 'LOW//IMX'; did you mean 'IMG'?"},
    {"CompartmentTwice", 7, "    label: LOW//IMG/IMG",
     "7:12: compartment 'IMG' is given twice in the label 'LOW//IMG/IMG'; keep one"},
    {"NoRanks", 8, "", "6:3: subject 'sensor' has no 'ranks'; add ranks: 2"},
    {"RanksZero", 8, "    ranks: 0", "8:12: 'ranks' of subject 'sensor' is '0'; write a whole number from 1 to 4096"},
    {"RanksNegative", 8, "    ranks: -1", "8:12: 'ranks' of subject 'sensor' is '-1'; write a whole number from 1"},
    {"RanksTooMany", 8, "    ranks: 4097", "8:12: 'ranks' of subject 'sensor' is '4097'; write a whole number from 1"},
    {"RanksHuge", 8, "    ranks: 99999999999999999999999", "8:12: 'ranks' of subject 'sensor' is '9999999"},
    {"RanksNoNumber", 8, "    ranks: 2.0", "8:12: 'ranks' of subject 'sensor' is '2.0'; write a whole number"},
    {"RanksList", 8, "    ranks: [2]", "8:12: 'ranks' of subject 'sensor' must be a text, not a list; write ranks: 2"},
    {"NoRun", 9, "", "6:3: subject 'sensor' has no 'run'; add run: [./program, argument]"},
    {"RunNoList", 9, "    run: ./sensor", "9:10: 'run' of subject 'sensor' must be a list, not a text; write run: ["},
    {"RunEmpty", 9, "    run: []", "9:10: 'run' of subject 'sensor' is empty; write run: [./program, argument]"},
    {"RunEmptyProgram", 9, "    run: [\"\"]", "9:11: the program in 'run' of subject 'sensor' is empty"},
    {"RunNull", 9, "    run: [./sensor, ~]", "9:21: an argument in 'run' of subject 'sensor' is empty; write \"\" for"},
    {"RunNested", 9, "    run: [./sensor, [a]]",
     "9:21: an argument in 'run' of subject 'sensor' must be a text, not a list"},
    {"Mpi", 10, "    mpi: openmp", "10:10: 'mpi' of subject 'sensor' is 'openmp'; did you mean 'openmpi'?"},
    {"MpiFar", 10, "    mpi: mvapich2", "10:10: 'mpi' of subject 'sensor' is 'mvapich2'; "},
    {"World", 13, "    world: alone", "13:12: 'world' of subject 'sensor' is 'alone'; 'world' is one of run, subject"},
    {"EnvNoMap", 12, "    env: [TILE]", "12:10: 'env' of subject 'sensor' must be a map, not a list; write env: {"},
    {"EnvName", 12, "    env: { 9A: x }", "12:12: '9A' cannot name an environment variable; use letters"},
    {"EnvNameEquals", 12, "    env: { \"A=B\": x }", "12:12: 'A=B' cannot name an environment variable"},
    {"EnvSluice", 12, "    env: { SLUICE_RANK: 1 }", "12:12: the variable 'SLUICE_RANK' is not a policy's to set"},
    {"EnvLd", 12, "    env: { LD_PRELOAD: x }", "12:12: the variable 'LD_PRELOAD' is not a policy's to set"},
    {"EnvValue", 12, "    env: { A: }", "12:12: variable 'A' is empty; write \"\" for an empty value"},
    {"EnvTwice", 12, "    env: { A: 1, B: 2, A: 3 }", "12:24: variable 'A' is defined twice; the first is at line 12"},
    {"KeyTwice", 8, "    ranks: 2\n    ranks: 2",
     "9:5: key 'ranks' is defined twice; the first is at line 8; keep one"},
    {"SubjectTwice", 14,
     "  analyst: { label: MID//IMG, ranks: 3, run: [./analyst] }\n  sensor: { label: LOW, ranks: 1, run: [x] }",
     "15:3: subject 'sensor' is defined twice; the first is at line 6; keep one"},
    {"SubjectName", 16, "  melt me: { label: MID, ranks: 4, run: [lmp] }",
     "16:3: 'melt me' cannot name a subject; use 1 to 63"},
    {"SubjectNameDots", 16, "  ..: { label: MID, ranks: 4, run: [lmp] }", "16:3: '..' cannot name a subject"},
    {"SubjectNoMap", 16, "  melt: lmp", "16:9: subject 'melt' must be a map, not a text"},
};
const Case kFlows[] = {
    {"UnknownSubject", 18, "  - { from: sensr, to: analyst }",
     "18:13: unknown subject 'sensr'; did you mean 'sensor'?"},
    {"UnknownSubjectFar", 18, "  - { from: sensor, to: x9 }",
     "18:25: unknown subject 'x9'; a subject is one of sensor, analyst, report, melt"},
    {"NoTo", 18, "  - { from: sensor }", "18:5: a flow has no 'to'; add to: SUBJECT"},
    {"UnknownKey", 18, "  - { from: sensor, to: analyst, que: 1MiB }", "18:34: unknown key 'que' of a flow; "},
    {"NoMap", 18, "  - sensor", "18:5: a flow must be a map, not a text"},
    {"Self", 18, "  - { from: sensor, to: sensor }", "18:5: a flow from 'sensor' to itself; remove it"},
    {"Twice", 18, "  - { from: sensor, to: analyst }\n  - { from: sensor, to: analyst, queue: 2MiB }",
     "19:5: the flow from 'sensor' to 'analyst' is listed twice; the first is at line 18; keep one"},
    {"AgainstLevel", 18, "  - { from: analyst, to: sensor }",
     "18:5: the lattice forbids a flow from analyst (MID//IMG) to sensor (LOW): level MID is above LOW, compartment "
     "IMG "
     "is missing at the receiver; raise the label of 'sensor' to MID//IMG, or add 'downgrade: NAME' to the flow"},
    {"AgainstCompartment", 18, "  - { from: report, to: analyst }",
     "18:5: the lattice forbids a flow from report (HIGH//IMG/NUC) to analyst (MID//IMG): level HIGH is above MID, "
     "compartment NUC is missing at the receiver; raise"},
    {"NeedlessDowngrade", 18, "  - { from: sensor, to: analyst, downgrade: x }",
     "18:45: a downgrade is not needed: the lattice allows a flow from sensor (LOW) to analyst (MID//IMG); remove"},
    {"DowngradeName", 20, "  - { from: report, to: sensor, downgrade: a/b }", "20:44: 'a/b' cannot name a downgrade"},
    {"EmptyDowngrade", 20, "  - { from: report, to: sensor, downgrade: }", "20:33: 'downgrade' of a flow is empty"},
    {"OwnWorld", 18, "  - { from: sensor, to: melt }",
     "18:25: a flow cannot start or end at 'melt', which has 'world: subject'"},
    {"Size", 18, "  - { from: sensor, to: analyst, queue: 256MB }", "18:41: '256MB' is not a size; write bytes, or"},
    {"SizeNegative", 18, "  - { from: sensor, to: analyst, queue: -1 }", "18:41: '-1' is not a size"},
    {"SizeWraps", 18, "  - { from: sensor, to: analyst, queue: 17179869185GiB }",
     "18:41: '17179869185GiB' is not a size"},
    {"SizeSmall", 18, "  - { from: sensor, to: analyst, queue: 1KiB }",
     "18:41: a queue of '1KiB' is out of bounds; use 1MiB to 64GiB"},
    {"SizeLarge", 18, "  - { from: sensor, to: analyst, queue: 65GiB }", "18:41: a queue of '65GiB' is out of bounds"},
    {"SpillWithoutPlace", 18, "  - { from: sensor, to: analyst, when_full: spill }",
     "18:5: a flow has no 'spill'; add spill: { directory: DIRECTORY, size: 4GiB }"},
    {"SpillWithoutSize", 18, "  - { from: sensor, to: analyst, when_full: spill, spill: { directory: spool } }",
     "18:59: 'spill' of a flow has no 'size'; add size: 4GiB"},
    {"SpillTooSmall", 18,
     "  - { from: sensor, to: analyst, when_full: spill, spill: { directory: spool, size: 1KiB } }",
     "18:85: a spill file of '1KiB' is out of bounds; use 1MiB to 4096GiB"},
    {"SpillUnneeded", 18, "  - { from: sensor, to: analyst, when_full: drop, spill: { directory: spool, size: 1GiB } }",
     "18:58: 'spill' without 'when_full: spill'; remove it, or add 'when_full: spill'"},
    {"WhenFull", 18, "  - { from: sensor, to: analyst, when_full: block }",
     "18:45: 'when_full' of a flow is 'block'; write stop-receiver, spill or drop"},
    {"Diode", 18, "  - { from: sensor, to: analyst, path: diode }",
     "18:40: 'path: diode' is not carried by this version; use 'path: relay'"},
    {"SharedOneWay", 18, "  - { from: sensor, to: analyst, path: shared }",
     "18:40: 'path: shared' from 'sensor' to 'analyst' tells 'sensor' what 'analyst' has received; "
     "add '{ from: analyst, to: sensor }', or use 'path: relay'"},
    {"SharedOfTwoLabels", 18, "  - { from: report, to: analyst, path: shared, downgrade: down }",
     "18:40: 'path: shared' from 'report' to 'analyst' joins two labels: HIGH//IMG/NUC and MID//IMG; use 'path: "
     "relay'"},
    {"Path", 18, "  - { from: sensor, to: analyst, path: x }", "18:40: 'path' of a flow is 'x'; write path: relay"},
};
const Case kFiles[] = {
    {"NoList", 11, "    files: map.jpg",
     "11:12: 'files' of subject 'sensor' must be a list, not a text; write files: ["},
    {"NoMap", 11, "    files: [map.jpg]", "11:13: a file of subject 'sensor' must be a map, not a text"},
    {"NoPath", 11, "    files: [ { access: read } ]",
     "11:14: a file of subject 'sensor' has no 'path'; add path: FILE"},
    {"NoAccess", 11, "    files: [ { path: x } ]",
     "11:14: a file of subject 'sensor' has no 'access'; add access: read"},
    {"Access", 11, "    files: [ { path: x, access: rw } ]", "11:33: unknown access 'rw'; write read or write"},
    {"EmptyPath", 11, "    files: [ { path: \"\", access: read } ]", "11:22: 'path' is empty"},
    {"Tilde", 11, "    files: [ { path: ~/x, access: read } ]",
     "11:22: '~' is not expanded in '~/x'; write the path in full"},
    {"HoldsPolicy", 11, "    files: [ { path: ., access: write } ]",
     "11:22: '.' holds the policy file and cannot be written"},
    {"System", 11, "    files: [ { path: /etc/x, access: write } ]",
     "11:22: '/etc/x' is part of the system and cannot be written"},
    {"SystemByDots", 11, "    files: [ { path: ../usr/lib/x, access: write } ]",
     "11:22: '../usr/lib/x' is part of the system"},
    {"Proc", 11, "    files: [ { path: /proc/1, access: read } ]",
     "11:22: '/proc/1' tells of other processes and cannot be read"},
    {"Root", 11, "    files: [ { path: /, access: read } ]", "11:22: '/' grants too much; name a directory below it"},
    {"Tmp", 11, "    files: [ { path: /tmp/, access: write } ]", "11:22: '/tmp/' grants too much"},
    {"HoldsProgram", 15, "  report: { label: HIGH//IMG/NUC, ranks: 1, run: [out/report] }",
     "11:55: 'out' holds the program of subject 'report' (line 15) and cannot be written"},
    {"HoldsOwnProgram", 9, "    run: [./out/sensor]", "11:55: 'out' holds the program of subject 'sensor' (line 6)"},
    {"OverlapBelow", 15,
     "  report: { label: HIGH//IMG/NUC, ranks: 1, run: [r], files: [{ path: out/x, access: read }] }",
     "15:71: 'out', which 'sensor' writes (line 11), overlaps 'out/x' of 'report' (line 15); give each subject"},
    {"OverlapEqual", 15,
     "  report: { label: HIGH//IMG/NUC, ranks: 1, run: [r], files: [{ path: ./out/, access: write }] }",
     "15:71: './out/', which 'report' writes (line 15), overlaps 'out' of 'sensor' (line 11)"},
    {"OverlapAbove", 15,
     "  report: { label: HIGH//IMG/NUC, ranks: 1, run: [/r], files: [{ path: /policies, access: read }] }",
     "15:72: 'out', which 'sensor' writes (line 11), overlaps '/policies' of 'report' (line 15)"},
};

std::string name_of(const ::testing::TestParamInfo<Case>& instance) { return instance.param.name; }
INSTANTIATE_TEST_SUITE_P(Top, ParseMistake, ::testing::ValuesIn(kTop), name_of);
INSTANTIATE_TEST_SUITE_P(Lattice, ParseMistake, ::testing::ValuesIn(kLattice), name_of);
INSTANTIATE_TEST_SUITE_P(Subjects, ParseMistake, ::testing::ValuesIn(kSubjects), name_of);
INSTANTIATE_TEST_SUITE_P(Flows, ParseMistake, ::testing::ValuesIn(kFlows), name_of);
INSTANTIATE_TEST_SUITE_P(Files, ParseMistake, ::testing::ValuesIn(kFiles), name_of);

}  // namespace
}  // namespace sluice::policy
