// Helpers for the tests of policies.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "trusted/policy/policy.hpp"

namespace sluice::policy::testing {

/// A policy without mistakes that uses every key. Tests replace single lines of it.
inline constexpr std::string_view kGood =
    "sluice: 1\n"                                                                     // 1
    "lattice:\n"                                                                      // 2
    "  levels: [LOW, MID, HIGH]\n"                                                    // 3
    "  compartments: [IMG, NUC]\n"                                                    // 4
    "subjects:\n"                                                                     // 5
    "  sensor:\n"                                                                     // 6
    "    label: LOW\n"                                                                // 7
    "    ranks: 2\n"                                                                  // 8
    "    run: [./sensor, map.jpg]\n"                                                  // 9
    "    mpi: openmpi\n"                                                              // 10
    "    files: [ { path: map.jpg, access: read }, { path: out, access: write } ]\n"  // 11
    "    env: { TILE: \"256\" }\n"                                                    // 12
    "    world: run\n"                                                                // 13
    "  analyst: { label: MID//IMG, ranks: 3, run: [./analyst], mpi: mpich }\n"        // 14
    "  report: { label: HIGH//NUC/IMG, ranks: 1, run: [./report] }\n"                 // 15
    "  melt: { label: MID, ranks: 4, run: [lmp], world: subject }\n"                  // 16
    "flows:\n"                                                                        // 17
    "  - { from: sensor, to: analyst, queue: 64MiB }\n"                               // 18
    "  - { from: analyst, to: report, when_full: stop-receiver, path: relay }\n"      // 19
    "  - { from: report, to: sensor, downgrade: release }\n";                         // 20

/// kGood with line `line` (from 1) replaced by `text`, which may be several lines, or none.
inline std::string with_line(std::uint32_t line, std::string_view text) {
  std::string result;
  std::string_view rest = kGood;
  for (std::uint32_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n') + 1;
    if (number == line) {
      result += text;
      result += text.empty() ? "" : "\n";
    } else {
      result += rest.substr(0, end);
    }
    rest.remove_prefix(end);
  }
  return result;
}

inline constexpr const char* kFile = "/policies/p.yaml";

/// Parses without looking at files; one line for each mistake: "LINE:COLUMN: WHAT; FIX".
inline std::vector<std::string> mistakes_of(std::string_view text) {
  const auto parsed = parse(text, kFile, CheckFiles::no);
  std::vector<std::string> lines;
  if (parsed.ok()) return lines;
  for (const Mistake& mistake : parsed.error().mistakes) {
    lines.push_back(std::to_string(mistake.place.line) + ":" + std::to_string(mistake.place.column) + ": " +
                    mistake.what + (mistake.fix.empty() ? "" : "; " + mistake.fix));
  }
  return lines;
}

/// A folder for one test, removed at its end.
class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "sluice-policy-XXXXXX";
    path_ = ::mkdtemp(name.data()) == nullptr ? std::string() : name;
    path_ = std::filesystem::canonical(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Writes a file, executable if `program`.
  std::filesystem::path write(const std::string& name, std::string_view text, bool program = false) const {
    namespace fs = std::filesystem;
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    fs::permissions(path_ / name, program ? fs::perms(0755) : fs::perms(0644));
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace sluice::policy::testing
