#include "trusted/mirror/folder_names.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::mirror {
namespace {

namespace fs = std::filesystem;

class FolderNamesTest : public ::testing::Test {
 protected:
  FolderNamesTest() {
    std::string name = (fs::temp_directory_path() / "sluice-test-names-XXXXXX").string();
    base_ = ::mkdtemp(name.data());
    std::ofstream(base_ / "there") << "x";
  }
  ~FolderNamesTest() override { fs::remove_all(base_); }

  FolderNames::Open opener() {
    return [this](const std::string&) {
      ++opened_;
      return Fd(::open(base_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    };
  }
  /// Waits until the folder counts as settled; its last change cannot be set back.
  void settle() const {
    struct stat status {};
    do {
      ::usleep(50'000);
      ::stat(base_.c_str(), &status);
    } while (status.st_ctim.tv_sec >= std::time(nullptr));
  }

  fs::path base_;
  int opened_ = 0;
};

TEST_F(FolderNamesTest, WhatIsNotThereIsAnsweredFromOneReading) {
  FolderNames names(60, 0);
  settle();
  EXPECT_TRUE(names.may_have("", "there", opener()));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(names.may_have("", ("absent" + std::to_string(i)).c_str(), opener()));
  EXPECT_EQ(opened_, 1);
}

TEST_F(FolderNamesTest, ChangedFolderIsReadAgain) {
  FolderNames names(0, 0);
  settle();
  EXPECT_FALSE(names.may_have("", "new", opener()));
  std::ofstream(base_ / "new") << "x";
  EXPECT_TRUE(names.may_have("", "new", opener())) << "just changed: the host is to be asked";
  EXPECT_TRUE(names.may_have("", "absent", opener())) << "of any name";
  settle();
  EXPECT_TRUE(names.may_have("", "new", opener()));
  EXPECT_FALSE(names.may_have("", "absent", opener()));
}

TEST_F(FolderNamesTest, FolderThatCannotBeReadIsAskedFor) {
  FolderNames names(60, 0);
  const auto none = [](const std::string&) { return Fd(); };
  EXPECT_TRUE(names.may_have("", "anything", none));
}

}  // namespace
}  // namespace sluice::mirror
