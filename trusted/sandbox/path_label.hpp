// The label of a directory that a subject has written to, kept with the directory.
//
// What a subject writes has the subject's label, and stays so after the run: the extended attribute
// user.sluice.label on the directory says it. A later run may write there only under the same label, and read it only
// under one that dominates it.
#pragma once

#include <optional>
#include <string>

#include "trusted/base/result.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

inline constexpr char kLabelAttribute[] = "user.sluice.label";

/// The label on `path` itself; nothing if it has none or its file system keeps none.
Result<std::optional<std::string>, Problem> label_of(const std::string& path);

enum class LabelKept {
  yes,
  not_by_this_file_system,
};

/// Puts `label` on `directory`.
Result<LabelKept, Problem> set_label(const std::string& directory, const std::string& label);

/// Takes the label off again; for a run that does not start after all.
void clear_label(const std::string& directory);

}  // namespace sluice::sandbox
