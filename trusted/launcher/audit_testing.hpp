// A folder for audit logs that a test writes and reads back.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace sluice::launcher::testing {

class AuditFolderTest : public ::testing::Test {
 protected:
  AuditFolderTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-audit-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ / "run.log";
  }
  ~AuditFolderTest() override { std::filesystem::remove_all(folder_); }

  static std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::filesystem::path folder_;
  std::filesystem::path file_;
};

}  // namespace sluice::launcher::testing
