#include "trusted/sandbox/path_label.hpp"

#include <sys/xattr.h>

#include <array>
#include <cerrno>

#include "wire/limits.hpp"
#include "wire/privilege_table.hpp"

namespace sluice::sandbox {

Result<std::optional<std::string>, Problem> label_of(const std::string& path) {
  std::array<char, wire::kLabelBytes> text;
  const ssize_t size = getxattr(path.c_str(), kLabelAttribute, text.data(), text.size());
  if (size >= 0) return std::optional(std::string(text.data(), static_cast<std::size_t>(size)));
  if (errno == ENODATA || errno == ENOTSUP) return std::optional<std::string>();
  return system_problem("cannot read the label of " + path);
}

Result<LabelKept, Problem> set_label(const std::string& directory, const std::string& label) {
  if (setxattr(directory.c_str(), kLabelAttribute, label.data(), label.size(), 0) == 0) return LabelKept::yes;
  if (errno == ENOTSUP) return LabelKept::not_by_this_file_system;
  return system_problem("cannot put the label " + label + " on " + directory);
}

void clear_label(const std::string& directory) { (void)removexattr(directory.c_str(), kLabelAttribute); }

}  // namespace sluice::sandbox
