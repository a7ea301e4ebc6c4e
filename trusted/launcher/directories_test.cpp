#include "trusted/launcher/directories.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "trusted/sandbox/path_label.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

/// A folder below the current one (file systems of /tmp may keep no attributes), and policies in it.
class Directories : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::current_path() / "directories-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    auto kept = sandbox::set_label(folder_, "x");
    ASSERT_TRUE(kept.ok() && kept.value() == sandbox::LabelKept::yes)
        << "this test needs a file system with user attributes below " << folder_;
    sandbox::clear_label(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  policy::Policy policy_of(const std::string& label, const std::string& path, const std::string& access) {
    const std::string text =
        "sluice: 1\nlattice:\n  levels: [LOW, HIGH]\nsubjects:\n  one:\n    label: " + label +
        "\n    ranks: 1\n    run: [/usr/bin/env]\n    mpi: openmpi\n    files:\n      - { path: " + path +
        ", access: " + access + " }\n";
    auto parsed = policy::parse(text, folder_ / "policy.yaml", policy::CheckFiles::yes);
    EXPECT_TRUE(parsed.ok()) << policy::describe(parsed.error(), "policy.yaml");
    return std::move(parsed).value();
  }

  std::string label(const std::string& name) { return sandbox::label_of(folder_ / name).value().value_or("none"); }

  fs::path folder_;
};

TEST_F(Directories, AreMadeForTheirOwnerAloneAndLabelled) {
  ASSERT_TRUE(prepare_directories(policy_of("HIGH", "out/deep", "write")).ok());
  EXPECT_EQ(fs::status(folder_ / "out/deep").permissions(), fs::perms::owner_all);
  EXPECT_EQ(label("out/deep"), "HIGH");
}

TEST_F(Directories, KeepTheirLabelFromRunToRun) {
  ASSERT_TRUE(prepare_directories(policy_of("HIGH", "out", "write")).ok());
  EXPECT_TRUE(prepare_directories(policy_of("HIGH", "out", "write")).ok());
  const auto other = prepare_directories(policy_of("LOW", "out", "write"));
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.error()[0].what.find("HIGH"), std::string::npos);
  EXPECT_NE(other.error()[0].mend.find("setfattr -x"), std::string::npos);
  EXPECT_EQ(label("out"), "HIGH");
}

TEST_F(Directories, AreReadOnlyByWhoDominatesThem) {
  fs::create_directory(folder_ / "data");
  std::ofstream(folder_ / "data/file") << "x";
  ASSERT_TRUE(sandbox::set_label(folder_ / "data", "HIGH").ok());
  EXPECT_TRUE(prepare_directories(policy_of("HIGH", "data", "read")).ok());
  EXPECT_FALSE(prepare_directories(policy_of("LOW", "data", "read")).ok());
  EXPECT_FALSE(prepare_directories(policy_of("LOW", "data/file", "read")).ok()) << "a file in a labelled folder";
}

TEST_F(Directories, LinksOfSubjectsChooseNothing) {
  fs::create_directory(folder_ / "out");
  fs::create_directory(folder_ / "private");
  fs::create_directory_symlink(folder_ / "private", folder_ / "out/link");
  EXPECT_TRUE(prepare_directories(policy_of("LOW", "out/link", "read")).ok());
  ASSERT_TRUE(sandbox::set_label(folder_ / "out", "LOW").ok());
  const auto refused = prepare_directories(policy_of("LOW", "out/link", "read"));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error()[0].what.find("is a link to"), std::string::npos);
}

TEST_F(Directories, LabelsInsideCountToo) {
  fs::create_directories(folder_ / "tree/a/b");
  ASSERT_TRUE(sandbox::set_label(folder_ / "tree/a/b", "HIGH").ok());
  EXPECT_FALSE(prepare_directories(policy_of("LOW", "tree", "read")).ok());
  EXPECT_FALSE(prepare_directories(policy_of("LOW", "tree", "write")).ok());
  EXPECT_EQ(label("tree"), "none") << "a refused run changes no label";
}

}  // namespace
}  // namespace sluice::launcher
