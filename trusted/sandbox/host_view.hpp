// What a sandbox sees of the host in /proc, /sys and /etc: copies of an allowed few files, taken once at start.
//
// The live files tell what other subjects do (load, free memory, interrupts, locks), and files shared between
// sandboxes carry locks and watches from one to the other. Copies do neither.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trusted/base/result.hpp"
#include "trusted/sandbox/command.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

/// How a sandbox is shown its copies.
struct HostView {
  std::vector<Entry> entries;      ///< at /etc and /sys
  std::vector<Entry> proc_covers;  ///< over everything in /proc that does not belong to its own processes
};

/// What every sandbox of a run sees of the host, read once.
class HostFiles {
 public:
  enum class Kind : std::uint8_t { folder, file, link };
  struct File {
    Kind kind;
    std::filesystem::path place;  ///< below a sandbox's folder of copies; what it lies in comes before it
    std::string content;          ///< a link's: where it leads
    mode_t mode;
  };

  /// /proc has to be mounted, for this pid namespace.
  static Result<HostFiles, Problem> read();

  /// Makes copies below `stage`, an empty directory of one sandbox alone.
  [[nodiscard]] Result<HostView, Problem> lay_out_below(const std::string& stage) const;

 private:
  std::vector<File> files_;
  std::vector<Entry> covers_;  ///< of /proc, with sources below a sandbox's folder
};

/// Copies a file, at most `limit` bytes of it, mode 0555 if it is executable, else 0444.
Status<Problem> copy_file(const std::string& from, const std::string& to, std::size_t limit);

/// Writes a file of mode 0444.
Status<Problem> write_text(const std::string& path, const std::string& text);

}  // namespace sluice::sandbox
