#include "trusted/launcher/audit_file.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "trusted/launcher/operator_text.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;
using sandbox::Problem;

constexpr off_t kRotateBytes = off_t{16} << 20;
constexpr int kKeptFiles = 9;
constexpr int kAppend = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

std::string draw_run() {
  std::array<unsigned char, 8> random{};
  (void)!getrandom(random.data(), random.size(), 0);
  return hexadecimal(random);
}

/// `20260102T030405Z-RUN.log`: names sort by time.
std::string name_of_run(const std::string& run) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> date{};
  (void)std::strftime(date.data(), date.size(), "%Y%m%dT%H%M%SZ-", &parts);
  return date.data() + run + ".log";
}

/// Makes the folder if the path says that it is one; true if it is there.
bool is_folder(const fs::path& path) {
  if (!path.has_filename() && mkdir(path.parent_path().c_str(), 0700) != 0 && errno != EEXIST) return false;
  struct stat status {};
  return lstat(path.has_filename() ? path.c_str() : path.parent_path().c_str(), &status) == 0 &&
         S_ISDIR(status.st_mode);
}

}  // namespace

Result<AuditFile, Problem> AuditFile::open(const fs::path& path) {
  AuditFile result;
  result.run_ = draw_run();
  const bool folder = is_folder(path);
  fs::path parent = folder ? path : path.parent_path();
  if (parent.empty()) parent = ".";
  result.name_ = folder ? name_of_run(result.run_) : path.filename().string();
  result.folder_.reset(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!result.folder_ || !result.reopen()) {
    return sandbox::system_problem("cannot append to the audit log " + path.string());
  }
  struct stat status {};
  if (fstat(result.file_.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Problem{sandbox::ProblemKind::system, "the audit log " + path.string() + " is no ordinary file",
                   "name a file or a folder"};
  }
  return result;
}

bool AuditFile::reopen() {
  file_.reset(openat(folder_.get(), name_.c_str(), kAppend, 0600));
  return file_.valid();
}

void AuditFile::rotate() const {
  const auto numbered = [&](int number) { return name_ + "." + std::to_string(number); };
  const auto move = [&](const std::string& from, const std::string& to) {
    return renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) == 0;
  };
  for (int number = kKeptFiles - 1; number >= 1; --number) (void)move(numbered(number), numbered(number + 1));
  (void)move(name_, numbered(1));
}

bool AuditFile::append(std::string_view line) {
  if (!file_) return false;
  struct stat status {};
  if (fstat(file_.get(), &status) == 0 && status.st_size >= kRotateBytes) {
    // Another run that shares the file may have moved it away already.
    struct stat named {};
    const bool same = fstatat(folder_.get(), name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
                      named.st_ino == status.st_ino && named.st_dev == status.st_dev;
    if (same) rotate();
    Fd before = std::move(file_);
    if (!reopen()) file_ = std::move(before);
    torn_ = false;
  }
  // In one call, so that lines of runs that share the file do not mix.
  const std::string text = (torn_ ? "\n" : "") + std::string(line) + "\n";
  const ssize_t wrote = write(file_.get(), text.data(), text.size());
  if (wrote > 0) torn_ = wrote != static_cast<ssize_t>(text.size());
  return wrote == static_cast<ssize_t>(text.size());
}

}  // namespace sluice::launcher
