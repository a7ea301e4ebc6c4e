// What the files of the subjects must be, on this host and among each other.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "trusted/policy/sections.hpp"

namespace sluice::policy {
namespace {

namespace fs = std::filesystem;

/// Shared with every sandbox read-only, or remade in each: nothing below may be written.
constexpr std::array<std::string_view, 12> kSystem{"/usr", "/bin",  "/sbin", "/lib", "/lib32", "/lib64",
                                                   "/etc", "/boot", "/proc", "/sys", "/dev",   "/run"};
/// Of these nothing may be read either: they tell of other processes, or hold devices and sockets.
constexpr std::array<std::string_view, 4> kTelling{"/proc", "/sys", "/dev", "/run"};
/// Too much to grant at once; what is below them may be.
constexpr std::array<std::string_view, 13> kBroad{"/",    "/home", "/root", "/var",     "/var/lib", "/var/log",  "/tmp",
                                                  "/opt", "/srv",  "/mnt",  "/var/tmp", "/media",   "/var/cache"};

/// True if `inner` is `outer` or below it. Both normal and absolute.
bool contains(const fs::path& outer, const fs::path& inner) {
  const std::string& a = outer.native();
  const std::string& b = inner.native();
  if (a == "/") return true;
  return b.starts_with(a) && (b.size() == a.size() || b[a.size()] == '/');
}

bool overlap(const fs::path& a, const fs::path& b) { return contains(a, b) || contains(b, a); }

template <std::size_t N>
bool within(const std::array<std::string_view, N>& folders, const fs::path& path) {
  return std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) { return contains(folder, path); });
}

/// Both where the subject sees it and what is really there: a link may lead elsewhere.
template <typename Test>
bool either(const FileGrant& grant, Test test) {
  return test(grant.visible) || test(grant.path);
}

bool overlap(const FileGrant& a, const FileGrant& b) {
  return either(a, [&](const fs::path& x) { return either(b, [&](const fs::path& y) { return overlap(x, y); }); });
}

struct Checker {
  Draft& draft;
  std::vector<fs::path> own;  ///< files of Sluice itself that no subject may write

  /// False if the grant is refused outright.
  bool is_modest(const FileGrant& grant) {
    const bool writes = grant.access == Access::write;
    const auto broad = [](const fs::path& path) {
      return std::find(kBroad.begin(), kBroad.end(), path.native()) != kBroad.end();
    };
    if (either(grant, broad)) {
      refuse(grant, "grants too much", "name a directory below it");
      return false;
    }
    if (writes && either(grant, [](const fs::path& path) { return within(kSystem, path); })) {
      refuse(grant, "is part of the system and cannot be written", "name a directory of your own");
      return false;
    }
    if (!writes && either(grant, [](const fs::path& path) { return within(kTelling, path); })) {
      refuse(grant, "tells of other processes and cannot be read", "copy what is needed to a directory of your own");
      return false;
    }
    return true;
  }

  /// What a writable directory may not hold: the policy, any program of the run, Sluice itself.
  void held(const FileGrant& grant) {
    const auto holds = [&](const fs::path& path) {
      return either(grant, [&](const fs::path& folder) { return overlap(folder, path); });
    };
    const char* fix = "name a directory that holds only what the subject writes";
    if (holds(draft.policy.file)) {
      refuse(grant, "holds the policy file and cannot be written", fix);
      return;
    }
    for (const Subject& subject : draft.policy.subjects) {
      if (subject.image.empty() || !(holds(subject.image) || holds(subject.image_real))) continue;
      refuse(grant,
             "holds the program of subject '" + subject.name + "' (line " + std::to_string(subject.place.line) +
                 ") and cannot be written",
             fix);
    }
    if (std::any_of(own.begin(), own.end(), holds)) refuse(grant, "holds Sluice itself and cannot be written", fix);
  }

  /// A file that one subject writes and another sees would be a flow that no policy lists.
  void pair(const FileGrant& a, const Subject& owner_a, const FileGrant& b, const Subject& owner_b) {
    if (a.access == Access::read && b.access == Access::read) return;
    if (!overlap(a, b)) return;
    const bool b_writes = b.access == Access::write;
    const FileGrant& written = b_writes ? b : a;
    const FileGrant& other = b_writes ? a : b;
    const std::string writer = b_writes ? owner_b.name : owner_a.name;
    const std::string user = b_writes ? owner_a.name : owner_b.name;
    draft.mistakes.add(b.place,
                       quote(written.written) + ", which '" + writer + "' writes (line " +
                           std::to_string(written.place.line) + "), overlaps " + quote(other.written) + " of '" + user +
                           "' (line " + std::to_string(other.place.line) + ")",
                       "give each subject a place of its own; data passes between subjects by flows alone");
  }

  void on_host(const FileGrant& grant) {
    std::error_code error;
    const fs::file_status status = fs::status(grant.path, error);
    const bool exists = fs::exists(status);
    if (grant.access == Access::write) {
      writable(grant, exists, fs::is_directory(status));
    } else if (!exists) {
      refuse(grant, "is not there", "mend the path, which starts at the policy's folder");
    } else if (!fs::is_regular_file(status) && !fs::is_directory(status)) {
      refuse(grant, "is neither a regular file nor a directory", "a pipe, socket or device would carry data back");
    } else if (::access(grant.path.c_str(), R_OK) != 0) {
      refuse(grant, "cannot be read by you", "change its permissions");
    }
  }

  void writable(const FileGrant& grant, bool exists, bool is_directory) {
    if (exists && !is_directory) {
      refuse(grant, "is not a directory", "what a subject writes is a directory");
      return;
    }
    std::error_code error;
    if (!exists && fs::is_symlink(fs::symlink_status(grant.path, error))) {
      refuse(grant, "is a symbolic link to nothing", "remove the link");
      return;
    }
    fs::path nearest = grant.path;
    while (!fs::exists(nearest, error) && nearest.has_relative_path()) nearest = nearest.parent_path();
    if (!fs::is_directory(nearest, error) || ::access(nearest.c_str(), W_OK | X_OK) != 0) {
      refuse(grant, exists ? "cannot be written by you" : "cannot be created: " + quote(nearest.string()) + " refuses",
             "change permissions, or name another directory");
    }
  }

  /// What overflows a queue must not lie where a subject could see it.
  void spill(const Spill& place, CheckFiles check) {
    for (const Subject& subject : draft.policy.subjects) {
      for (const FileGrant& grant : subject.files) {
        if (!either(grant,
                    [&](const fs::path& path) { return overlap(path, place.path) || overlap(path, place.visible); })) {
          continue;
        }
        draft.mistakes.add(place.place,
                           quote(place.written) + ", where a queue spills, overlaps " + quote(grant.written) + " of '" +
                               subject.name + "' (line " + std::to_string(grant.place.line) + ")",
                           "name a directory that no subject sees");
      }
    }
    std::error_code error;
    if (check == CheckFiles::no) return;
    if (!fs::is_directory(place.path, error)) {
      draft.mistakes.add(place.place, quote(place.written) + ", where a queue spills, is not a directory",
                         "make it, or mend the path, which starts at the policy's folder");
    } else if (::access(place.path.c_str(), W_OK | X_OK) != 0) {
      draft.mistakes.add(place.place, quote(place.written) + ", where a queue spills, cannot be written by you",
                         "change its permissions, or name another directory");
    }
  }

  void refuse(const FileGrant& grant, const std::string& what, const std::string& fix) {
    const std::string real = grant.path == grant.visible ? "" : ", in truth " + quote(grant.path.string()) + ",";
    draft.mistakes.add(grant.place, quote(grant.written) + real + " " + what, fix);
  }
};

/// The running program and the libraries beside it.
std::vector<fs::path> own_files() {
  std::error_code error;
  const fs::path program = fs::canonical("/proc/self/exe", error);
  if (error) return {};
  return {program, program.parent_path().parent_path() / "lib"};
}

}  // namespace

void check_grants(CheckFiles check, Draft& draft) {
  Checker checker{draft, check == CheckFiles::yes ? own_files() : std::vector<fs::path>{}};
  const std::vector<Subject>& subjects = draft.policy.subjects;
  for (std::size_t i = 0; i < subjects.size() && !draft.mistakes.full(); ++i) {
    for (const FileGrant& grant : subjects[i].files) {
      if (!checker.is_modest(grant)) continue;
      if (grant.access == Access::write) checker.held(grant);
      if (check == CheckFiles::yes) checker.on_host(grant);
      for (std::size_t j = 0; j < i; ++j) {
        for (const FileGrant& other : subjects[j].files) checker.pair(other, subjects[j], grant, subjects[i]);
      }
    }
  }
  for (const Spill& spill : draft.policy.spills) checker.spill(spill, check);
}

}  // namespace sluice::policy
