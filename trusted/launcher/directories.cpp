#include "trusted/launcher/directories.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "trusted/sandbox/path_label.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;
using sandbox::Problem;
using sandbox::ProblemKind;

constexpr std::size_t kMaxVisited = 100000;

/// One subject's use of one path.
struct Use {
  const policy::Policy& policy;
  const policy::Subject& subject;
  const policy::FileGrant& grant;
  std::vector<Problem>& problems;

  void refuse(const std::string& path, const std::string& label, const std::string& why) const {
    problems.push_back({ProblemKind::label,
                        policy.file.string() + ":" + std::to_string(grant.place.line) + ": " + path +
                            " carries the label " + label + ": " + why,
                        "use another path, or after review take the label off: setfattr -x " +
                            std::string(sandbox::kLabelAttribute) + " " + path});
  }

  void check(const std::string& path) const {
    auto read = sandbox::label_of(path);
    if (!read) {
      problems.push_back(read.error());
      return;
    }
    if (!read.value()) return;
    const std::string& text = *read.value();
    if (grant.access == policy::Access::write) {
      if (text != subject.label_text) {
        refuse(path, text, subject.name + " would write there as " + subject.label_text);
      }
      return;
    }
    auto label = policy.lattice.parse(text);
    if (!label || !lattice::dominates(subject.label, label.value())) {
      refuse(path, text, subject.name + " may not read it as " + subject.label_text);
    }
  }

  /// A link that a subject may have made must not choose what a later run grants.
  void check_way() const {
    if (grant.path == grant.visible) return;
    for (fs::path folder = grant.visible.parent_path(); folder != folder.root_path(); folder = folder.parent_path()) {
      auto read = sandbox::label_of(folder);
      if (!read || !read.value()) continue;
      refuse(folder, *read.value(),
             "a subject has written there, and " + grant.visible.string() + " is a link to " + grant.path.string());
      return;
    }
  }

  /// The path, what it lies in, and every directory below it.
  void check_all() const {
    check_way();
    for (fs::path path = grant.path; path != path.root_path(); path = path.parent_path()) check(path);
    std::error_code error;
    if (!fs::is_directory(grant.path, error)) return;
    std::size_t visited = 0;
    for (fs::recursive_directory_iterator item(grant.path, fs::directory_options::skip_permission_denied, error), end;
         item != end; item.increment(error)) {
      if (error) break;
      if (item->is_directory(error) && !item->is_symlink(error)) check(item->path());
      if (++visited >= kMaxVisited) {
        problems.push_back({ProblemKind::path, grant.path.string() + " has too many files to look for labels in",
                            "grant a smaller folder"});
        return;
      }
    }
  }
};

Status<Problem> make_writable(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error)) {
    if (fs::is_directory(path, error)) return Unit{};
    return Problem{ProblemKind::path,
                   path.string() + " is no directory, and only directories can be granted for writing",
                   "grant the folder that it lies in"};
  }
  const mode_t before = umask(0077);
  fs::create_directories(path, error);
  umask(before);
  if (error) return Problem{ProblemKind::path, "cannot make " + path.string() + ": " + error.message(), ""};
  return Unit{};
}

}  // namespace

Result<std::vector<std::string>, std::vector<Problem>> prepare_directories(const policy::Policy& policy) {
  std::vector<Problem> problems;
  for (const policy::Subject& subject : policy.subjects) {
    for (const policy::FileGrant& grant : subject.files) {
      if (grant.access == policy::Access::write) {
        if (auto made = make_writable(grant.path); !made) problems.push_back(made.error());
      }
      Use{policy, subject, grant, problems}.check_all();
    }
  }
  if (!problems.empty()) return problems;
  std::vector<std::string> without;
  for (const policy::Subject& subject : policy.subjects) {
    for (const policy::FileGrant& grant : subject.files) {
      if (grant.access != policy::Access::write) continue;
      auto kept = sandbox::set_label(grant.path, subject.label_text);
      if (!kept) {
        problems.push_back(kept.error());
      } else if (kept.value() == sandbox::LabelKept::not_by_this_file_system) {
        without.push_back(grant.path);
      }
    }
  }
  if (!problems.empty()) return problems;
  return without;
}

}  // namespace sluice::launcher
