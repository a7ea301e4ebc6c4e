// What the files of a policy must be on this host.
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

#include "trusted/policy/policy_testing.hpp"

namespace sluice::policy {
namespace {

namespace fs = std::filesystem;
using testing::Folder;

/// One subject with `files`, and a second one, `other`, with `other_files`; both run a program that is there.
std::string policy_with(const std::string& files, const std::string& other_files = "[]",
                        const std::string& program = "bin/program") {
  return "sluice: 1\nlattice: { levels: [LOW, HIGH] }\nsubjects:\n  one: { label: LOW, ranks: 1, run: [" + program +
         "],\n    files: " + files +
         " }\n  other: { label: HIGH, ranks: 1, run: [bin/program],\n    files: " + other_files + " }\n";
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override { folder_.write("bin/program", "#!/bin/sh\n", true); }

  /// Mistakes of a policy in the folder, each without its place.
  std::vector<std::string> mistakes(const std::string& text) const {
    folder_.write("p.yaml", text);
    const auto loaded = load(folder_.path() / "p.yaml", CheckFiles::yes);
    std::vector<std::string> found;
    if (!loaded.ok()) {
      for (const Mistake& mistake : loaded.error().mistakes) found.push_back(mistake.what);
    }
    return found;
  }
  Policy good(const std::string& text) const {
    folder_.write("p.yaml", text);
    auto loaded = load(folder_.path() / "p.yaml", CheckFiles::yes);
    EXPECT_TRUE(loaded.ok()) << describe(loaded.error(), "p.yaml");
    return std::move(loaded).value();
  }

  Folder folder_;
};

using Lines = std::vector<std::string>;

TEST_F(Files, ResolvesPathsAndLinks) {
  folder_.write("data/earth.jpg", "x");
  fs::create_symlink(folder_.path() / "data/earth.jpg", folder_.path() / "link.jpg");
  fs::create_symlink(folder_.path() / "bin/program", folder_.path() / "tool");
  const Policy policy = good(
      policy_with("[{ path: bin/../link.jpg, access: read }, { path: new/deep/out/, access: write }]", "[]", "./tool"));
  const Subject& one = policy.subjects[0];
  EXPECT_EQ(one.image, folder_.path() / "tool");
  EXPECT_EQ(one.image_real, folder_.path() / "bin/program");
  EXPECT_EQ(one.files[0].written, "bin/../link.jpg");
  EXPECT_EQ(one.files[0].visible, folder_.path() / "link.jpg");
  EXPECT_EQ(one.files[0].path, folder_.path() / "data/earth.jpg");
  EXPECT_EQ(one.files[1].visible, folder_.path() / "new/deep/out");
  EXPECT_FALSE(fs::exists(folder_.path() / "new")) << "checking creates nothing";
}

TEST_F(Files, FindsProgramsByNameInSystemFoldersOnly) {
  EXPECT_EQ(good(policy_with("[]", "[]", "true")).subjects[0].image.filename(), "true");
  EXPECT_EQ(mistakes(policy_with("[]", "[]", "program")),
            Lines{"no program 'program' in /usr/local/bin, /usr/bin or /bin"});
}

TEST_F(Files, ReportsAProgramThatIsNotThereOrNotAProgram) {
  folder_.write("text", "x");
  const std::string folder = folder_.path().string();
  EXPECT_EQ(mistakes(policy_with("[]", "[]", "./absent")), Lines{"the program '" + folder + "/absent' is not there"});
  EXPECT_EQ(mistakes(policy_with("[]", "[]", "./text")), Lines{"the program '" + folder + "/text' cannot be executed"});
  EXPECT_EQ(mistakes(policy_with("[]", "[]", "./bin")), Lines{"the program '" + folder + "/bin' cannot be executed"});
}

TEST_F(Files, ReportsWhatCannotBeRead) {
  EXPECT_EQ(mistakes(policy_with("[{ path: absent, access: read }]")), Lines{"'absent' is not there"});
  ASSERT_EQ(::mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(mistakes(policy_with("[{ path: pipe, access: read }]")),
            Lines{"'pipe' is neither a regular file nor a directory"});
}

TEST_F(Files, ReportsWhatCannotBeWritten) {
  folder_.write("file", "x");
  EXPECT_EQ(mistakes(policy_with("[{ path: file, access: write }]")), Lines{"'file' is not a directory"});
  EXPECT_EQ(mistakes(policy_with("[{ path: file/below, access: write }]")),
            Lines{"'file/below' cannot be created: '" + (folder_.path() / "file").string() + "' refuses"});
  EXPECT_EQ(mistakes(policy_with("[{ path: bin, access: write }]")).size(), 2U) << "the program of both subjects";
}

TEST_F(Files, RefusesALinkToNothing) {
  fs::create_symlink(folder_.path() / "absent", folder_.path() / "dangling");
  const Lines found = mistakes(policy_with("[{ path: dangling, access: write }]"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("is a symbolic link to nothing"), std::string::npos) << found[0];
}

TEST_F(Files, SeesThroughLinksThatLeadIntoTheSystem) {
  fs::create_symlink("/etc", folder_.path() / "harmless");
  fs::create_symlink("/proc/self", folder_.path() / "notes");
  EXPECT_EQ(mistakes(policy_with("[{ path: harmless/sluice-test, access: write }]")),
            Lines{"'harmless/sluice-test', in truth '/etc/sluice-test', is part of the system and cannot be written"});
  const Lines found = mistakes(policy_with("[{ path: notes, access: read }]"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("tells of other processes"), std::string::npos) << found[0];
}

TEST_F(Files, SeesThroughLinksThatLeadToAnotherSubject) {
  fs::create_directories(folder_.path() / "out");
  fs::create_symlink(folder_.path() / "out", folder_.path() / "mine");
  const Lines found = mistakes(policy_with("[{ path: out, access: write }]", "[{ path: mine, access: read }]"));
  EXPECT_EQ(found, Lines{"'out', which 'one' writes (line 5), overlaps 'mine' of 'other' (line 7)"});
}

TEST_F(Files, RefusesAPathThatAnotherSubjectCouldReplaceByALink) {
  fs::create_directories(folder_.path() / "out");
  folder_.write("secret", "x");
  fs::create_symlink(folder_.path() / "secret", folder_.path() / "out/planted");
  const Lines found = mistakes(policy_with("[{ path: out, access: write }]", "[{ path: out/planted, access: read }]"));
  EXPECT_EQ(found, Lines{"'out', which 'one' writes (line 5), overlaps 'out/planted' of 'other' (line 7)"});
}

TEST_F(Files, LetsSubjectsReadTheSameFileAndAnOwnerReadWhatItWrites) {
  folder_.write("map", "x");
  fs::create_directories(folder_.path() / "out");
  EXPECT_EQ(
      mistakes(policy_with("[{ path: map, access: read }, { path: out, access: write }, { path: out, access: read }]",
                           "[{ path: map, access: read }, { path: outer, access: write }]")),
      Lines{})
      << "'out' and 'outer' share only letters";
}

TEST_F(Files, KeepsSluiceItselfFromBeingWritten) {
  const fs::path own = fs::canonical("/proc/self/exe").parent_path();
  const Lines found = mistakes(policy_with("[{ path: " + own.string() + ", access: write }]"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("holds Sluice itself"), std::string::npos) << found[0];
}

TEST_F(Files, AnOrdinaryUserNeedsPermission) {
  fs::permissions(folder_.path(), fs::perms(0755));
  fs::create_directories(folder_.path() / "locked");
  fs::permissions(folder_.path() / "locked", fs::perms(0555));
  folder_.write("private", "x");
  fs::permissions(folder_.path() / "private", fs::perms(0000));
  folder_.write("p.yaml", policy_with("[{ path: locked, access: write }]", "[{ path: private, access: read }]"));
  const auto check_as_nobody = [&] {
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    const auto loaded = load(folder_.path() / "p.yaml", CheckFiles::yes);
    if (!loaded.ok()) std::cerr << describe(loaded.error(), "p.yaml");
    ::_exit(0);
  };
  EXPECT_EXIT(check_as_nobody(), ::testing::ExitedWithCode(0),
              "'locked' cannot be written by you.*\n.*'private' cannot be read by you");
}

TEST_F(Files, LoadSaysWhyAPolicyCannotBeRead) {
  const auto reason = [](const fs::path& file) {
    const auto loaded = load(file, CheckFiles::yes);
    EXPECT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().kind, LoadError::unreadable);
    return loaded.error().reason;
  };
  EXPECT_NE(reason(folder_.path() / "absent.yaml").find("No such file"), std::string::npos);
  EXPECT_NE(reason(folder_.path()).find("not a regular file"), std::string::npos);
  EXPECT_NE(reason(folder_.write("large", std::string(kMaxPolicyBytes + 1, ' '))).find("larger than 1 MiB"),
            std::string::npos);
}

}  // namespace
}  // namespace sluice::policy
