// Keys `limits` of a subject and `require` of the policy.
#include <algorithm>

#include "trusted/policy/sections.hpp"
#include "trusted/policy/text.hpp"

namespace sluice::policy {
namespace {

constexpr std::uint64_t kFewestProcesses = 16;
constexpr std::uint64_t kMostProcesses = 4'000'000;
constexpr std::uint64_t kLeastMemory = std::uint64_t{64} << 20U;
constexpr std::uint64_t kMostMemory = std::uint64_t{1} << 50U;

}  // namespace

const std::vector<std::string>& requirable() {
  static const std::vector<std::string> kNames{
      "all",      "file-pages", "free-space",       "host-cache", "host-users",    "labels",
      "landlock", "memory",     "network-counters", "owners",     "refused-calls", "system-pages"};
  return kNames;
}

void read_limits(const Node& node, Subject& subject, Draft& draft) {
  static const std::vector<std::string> kKeys{"memory", "processes"};
  Mistakes& mistakes = draft.mistakes;
  const std::string owner = "'limits' of subject '" + subject.name + "'";
  const Fields fields(node, owner, kKeys, mistakes);
  if (const Node* processes = fields.find("processes")) {
    const std::string what = "'processes' in " + owner;
    if (const auto text = read_text(*processes, what, "processes: 1000", mistakes)) {
      const auto number = parse_number(*text, kMostProcesses);
      if (number && *number >= kFewestProcesses) {
        subject.limits.processes = *number;
      } else {
        mistakes.add(processes->place, what + " is " + quote(*text),
                     "write a whole number from " + std::to_string(kFewestProcesses) + " to " +
                         std::to_string(kMostProcesses) + ": threads count, and those of mpiexec");
      }
    }
  }
  if (const Node* memory = fields.find("memory")) {
    const std::string what = "'memory' in " + owner;
    if (const auto text = read_text(*memory, what, "memory: 8GiB", mistakes)) {
      const auto bytes = parse_size(*text);
      if (bytes && *bytes >= kLeastMemory && *bytes <= kMostMemory) {
        subject.limits.memory = *bytes;
      } else {
        mistakes.add(memory->place, what + " is " + quote(*text),
                     "write at least " + print_size(kLeastMemory) + ", in bytes or with KiB, MiB or GiB: 8GiB");
      }
    }
  }
}

void read_requirements(const Node& node, Draft& draft) {
  const char* example = "require: [system-pages, landlock]";
  if (!expect(node, NodeKind::list, "'require'", example, draft.mistakes)) return;
  for (const Node& item : node.items) {
    const auto name = read_text(item, "an entry of 'require'", example, draft.mistakes);
    if (!name) continue;
    if (std::find(requirable().begin(), requirable().end(), *name) == requirable().end()) {
      draft.mistakes.add(item.place, "unknown requirement " + quote(*name),
                         suggest(*name, requirable(), "a relaxation, or all"));
    } else {
      draft.policy.require.push_back(*name);
    }
  }
}

}  // namespace sluice::policy
