// From a file to a checked policy.
#include <fstream>
#include <system_error>

#include "trusted/policy/decision.hpp"
#include "trusted/policy/policy.hpp"
#include "trusted/policy/sections.hpp"

namespace sluice::policy {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kVersion = "1";

void read_policy(const Node& root, CheckFiles check, Draft& draft) {
  static const std::vector<std::string> kKeys{"sluice", "lattice", "subjects", "flows", "require"};
  const Fields fields(root, "the policy", kKeys, draft.mistakes);
  const Node* version = fields.need("sluice", {}, "sluice: 1");
  if (version != nullptr && version->text != kVersion) {  // another language: its other mistakes would mislead
    draft.mistakes.add(version->place, "unknown version " + quote(version->text) + " of the policy language",
                       "this Sluice reads version 1: write sluice: 1");
    return;
  }
  if (const Node* node = fields.need("lattice", {}, "lattice: { levels: [UNCLASSIFIED, SECRET] }")) {
    read_lattice(*node, draft);
  }
  if (const Node* node =
          fields.need("subjects", {}, "subjects: and below it NAME: { label: ..., ranks: ..., run: ... }")) {
    draft.policy.flows_line = fields.key_place("subjects").line;
    read_subjects(*node, check, draft);
  }
  if (const Node* node = fields.find("flows")) {
    draft.policy.flows_line = fields.key_place("flows").line;
    read_flows(*node, check, draft);
  }
  if (const Node* node = fields.find("require")) read_requirements(*node, draft);
  check_grants(check, draft);
}

/// `file`, absolute and normal; its folder's links resolved if it may be looked at.
void set_place(const fs::path& file, CheckFiles check, Policy& policy) {
  std::error_code error;
  fs::path absolute = fs::absolute(file, error).lexically_normal();
  if (error) absolute = fs::path("/") / file;
  policy.folder = absolute.parent_path();
  if (check == CheckFiles::yes) {
    const fs::path real = fs::weakly_canonical(policy.folder, error);
    if (!error) policy.folder = real;
  }
  policy.file = policy.folder / absolute.filename();
}

}  // namespace

Result<Policy, Refusal> parse(std::string_view text, const fs::path& file, CheckFiles check) {
  Draft draft;
  set_place(file, check, draft.policy);
  const auto root = read_tree(text, draft.mistakes);
  if (root) {
    read_policy(*root, check, draft);
  } else if (draft.mistakes.empty()) {
    draft.mistakes.add({}, "the policy is empty", "start with sluice: 1; docs/policy.md shows the rest");
  }
  if (!draft.mistakes.empty()) return Refusal{LoadError::mistakes, {}, std::move(draft.mistakes).take()};
  draft.policy.text = text;
  compile(draft.policy);
  if (!table::check(draft.policy.table).ok()) {
    return Refusal{LoadError::mistakes, {}, {{{}, "the compiled tables are not sound", "this is a fault of Sluice"}}};
  }
  return std::move(draft.policy);
}

Result<Policy, Refusal> load(const fs::path& file, CheckFiles check) {
  const auto unreadable = [&](const std::string& why) {
    return Refusal{LoadError::unreadable, "cannot read the policy '" + file.string() + "': " + why, {}};
  };
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (error) return unreadable(error.message());
  if (!fs::is_regular_file(status)) return unreadable("it is not a regular file");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return unreadable("permission denied");
  std::string text(kMaxPolicyBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return unreadable("reading failed");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxPolicyBytes) return unreadable("it is larger than 1 MiB");
  return parse(text, file, check);
}

std::size_t index_of(const Policy& policy, std::string_view name) {
  std::size_t index = 0;
  while (index < policy.subjects.size() && policy.subjects[index].name != name) ++index;
  return index;
}

std::string describe(const Refusal& refusal, const fs::path& file) {
  if (refusal.kind == LoadError::unreadable) return refusal.reason + "\n";
  std::string text;
  for (const Mistake& mistake : refusal.mistakes) {
    text += file.string() + ":" + std::to_string(mistake.place.line) + ":" + std::to_string(mistake.place.column) +
            ": " + mistake.what + (mistake.fix.empty() ? "" : "; " + mistake.fix) + "\n";
  }
  return text;
}

}  // namespace sluice::policy
