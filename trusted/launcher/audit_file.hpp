// Where the record of a run goes: a file that only grows, outside every subject's reach, and is rotated.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::launcher {

class AuditFile {
 public:
  /// No file: append() does nothing.
  AuditFile() = default;

  /// Opens `path` for appending, for its owner alone; runs may share a file. If `path` is a folder, or ends in a slash,
  /// the run gets a file of its own there, called after the time and the run. A symbolic link is not followed. Fails
  /// where `path` is something else or cannot be written.
  static Result<AuditFile, sandbox::Problem> open(const std::filesystem::path& path);

  [[nodiscard]] bool valid() const noexcept { return file_.valid(); }

  /// 16 hexadecimal digits, drawn for the run.
  [[nodiscard]] const std::string& run() const noexcept { return run_; }

  /// Appends one line, without its newline, in one piece or not at all. A file that has grown past 16 MiB first becomes
  /// FILE.1, that FILE.2 and so on up to FILE.9. False if the line is not in the file: a full disk must not stop a run.
  [[nodiscard]] bool append(std::string_view line);

 private:
  [[nodiscard]] bool reopen();
  void rotate() const;

  Fd folder_;  ///< the path itself may be out of sight once a run's own mounts are made
  std::string name_;
  Fd file_;
  std::string run_;
  bool torn_ = false;  ///< the file ends in a part of a line
};

}  // namespace sluice::launcher
