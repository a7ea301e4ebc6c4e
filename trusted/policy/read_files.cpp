// Key `files` of a subject, and where `run` finds its program.
#include <unistd.h>

#include <array>
#include <system_error>

#include "trusted/policy/sections.hpp"

namespace sluice::policy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxGrants = 64;
constexpr std::array<const char*, 3> kProgramFolders{"/usr/local/bin", "/usr/bin", "/bin"};

void read_grant(const Node& node, CheckFiles check, Subject& subject, Draft& draft) {
  static const std::vector<std::string> kKeys{"path", "access"};
  Mistakes& mistakes = draft.mistakes;
  const Fields fields(node, "a file of subject '" + subject.name + "'", kKeys, mistakes);
  if (!fields.is_map()) return;
  const Node* path = fields.need("path", node.place, "path: FILE");
  const Node* access = fields.need("access", node.place, "access: read, or access: write");
  FileGrant grant;
  grant.place = node.place;
  if (access != nullptr) {
    const auto word = read_text(*access, "'access'", "access: read, or access: write", mistakes);
    if (word && *word != "read" && *word != "write") {
      mistakes.add(access->place, "unknown access " + quote(*word), "write read or write");
      return;
    }
    if (!word) return;
    grant.access = *word == "write" ? Access::write : Access::read;
  }
  if (path == nullptr || access == nullptr) return;
  const auto written = read_text(*path, "'path'", "path: FILE", mistakes);
  if (!written) return;
  if (written->starts_with("~")) {
    mistakes.add(path->place, "'~' is not expanded in " + quote(*written), "write the path in full");
    return;
  }
  grant.place = path->place;
  grant.written = *written;
  grant.visible = absolute(draft.policy.folder, *written);
  grant.path = check == CheckFiles::yes ? resolved(grant.visible) : grant.visible;
  subject.files.push_back(std::move(grant));
}

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

fs::path absolute(const fs::path& folder, const std::string& written) {
  fs::path path = (folder / written).lexically_normal();
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

fs::path resolved(const fs::path& path) {
  std::error_code error;
  fs::path real = fs::weakly_canonical(path, error);
  return error ? path : real;
}

void read_files(const Node& node, CheckFiles check, Subject& subject, Draft& draft) {
  const char* example = "files: [ { path: FILE, access: read } ]";
  const std::string what = "'files' of subject '" + subject.name + "'";
  if (!expect(node, NodeKind::list, what, example, draft.mistakes)) return;
  if (node.items.size() > kMaxGrants) {
    draft.mistakes.add(node.place, what + " is too long",
                       "list at most " + std::to_string(kMaxGrants) + "; name a directory for all that is in it");
    return;
  }
  for (const Node& item : node.items) read_grant(item, check, subject, draft);
}

std::filesystem::path find_program(std::string_view name) {
  for (const char* folder : kProgramFolders) {
    fs::path path = fs::path(folder) / name;
    if (is_program(path)) return path;
  }
  return {};
}

void find_image(const Node& program, CheckFiles check, Subject& subject, Draft& draft) {
  const std::string& name = program.text;
  if (name.find('/') == std::string::npos) {
    if (check == CheckFiles::no) return;
    subject.image = find_program(name);
    if (subject.image.empty()) {
      draft.mistakes.add(program.place, "no program " + quote(name) + " in /usr/local/bin, /usr/bin or /bin",
                         "install it, or write a path: ./" + name + " is next to the policy");
      return;
    }
  } else {
    subject.image = absolute(draft.policy.folder, name);
  }
  subject.image_real = check == CheckFiles::yes ? resolved(subject.image) : subject.image;
  if (check == CheckFiles::no || is_program(subject.image)) return;
  std::error_code error;
  const bool exists = fs::exists(subject.image, error);
  draft.mistakes.add(
      program.place,
      "the program " + quote(subject.image.string()) + (exists ? " cannot be executed" : " is not there"),
      exists ? "it must be a regular file that may be executed: chmod +x"
             : "build it, or mend the path, which starts at the policy's folder");
}

}  // namespace sluice::policy
