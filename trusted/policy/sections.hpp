// The sections of a policy file. Each reads its part of the tree into the policy and reports what is wrong in it.
#pragma once

#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "trusted/policy/fields.hpp"
#include "trusted/policy/mistakes.hpp"
#include "trusted/policy/policy.hpp"
#include "trusted/policy/tree.hpp"

namespace sluice::policy {

/// A policy in the making. Subjects with mistakes are kept, so that flows which name them are judged nevertheless.
struct Draft {
  Policy policy;
  Mistakes mistakes;
  std::vector<bool> labelled;  ///< for each subject: its label is known
};

void read_lattice(const Node& node, Draft& draft);
void read_subjects(const Node& node, CheckFiles check, Draft& draft);
void read_flows(const Node& node, CheckFiles check, Draft& draft);

/// Reports which of these flows, by index and with the place of their `path: shared`, cannot have that path.
void check_paths(const std::vector<std::pair<std::size_t, Place>>& shared, Draft& draft);

/// The keys of one subject that concern files: `files`, and where `run` finds its program.
void read_files(const Node& node, CheckFiles check, Subject& subject, Draft& draft);
void find_image(const Node& program, CheckFiles check, Subject& subject, Draft& draft);

/// Key `limits` of one subject.
void read_limits(const Node& node, Subject& subject, Draft& draft);

/// Names of relaxations that a policy may refuse.
const std::vector<std::string>& requirable();
void read_requirements(const Node& node, Draft& draft);

/// Reports what is wrong between the files of different subjects, and, with CheckFiles::yes, on this host.
void check_grants(CheckFiles check, Draft& draft);

/// `written`, absolute, starting at `folder`, with `.`, `..` and a slash at the end resolved by name.
std::filesystem::path absolute(const std::filesystem::path& folder, const std::string& written);
/// `path` with symbolic links resolved as far as it exists; `path` itself where that fails.
std::filesystem::path resolved(const std::filesystem::path& path);

/// Where `name` is found, absolute: looked for in /usr/local/bin, /usr/bin and /bin, never in PATH. Empty if nowhere.
std::filesystem::path find_program(std::string_view name);

}  // namespace sluice::policy
