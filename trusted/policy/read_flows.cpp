// Section `flows`.
#include <algorithm>
#include <map>

#include "trusted/policy/decision.hpp"
#include "trusted/policy/report.hpp"
#include "trusted/policy/sections.hpp"
#include "trusted/policy/text.hpp"
#include "wire/limits.hpp"

namespace sluice::policy {
namespace {

constexpr std::uint64_t kDefaultQueueBytes = std::uint64_t{256} << 20;
constexpr const char* kExample = "- { from: SUBJECT, to: SUBJECT }";

/// Index of the subject that `key` of a flow names; reports what is wrong with it.
std::optional<std::uint32_t> read_end(const Fields& fields, const char* key, Place place, Draft& draft) {
  Mistakes& mistakes = draft.mistakes;
  const Node* node = fields.need(key, place, std::string(key) + ": SUBJECT");
  if (node == nullptr) return std::nullopt;
  const auto name = read_text(*node, "'" + std::string(key) + "' of " + fields.owner(), kExample, mistakes);
  if (!name) return std::nullopt;
  const std::size_t index = index_of(draft.policy, *name);
  if (index == draft.policy.subjects.size()) {
    std::vector<std::string> names;
    for (const Subject& subject : draft.policy.subjects) names.push_back(subject.name);
    mistakes.add(node->place, "unknown subject " + quote(*name), suggest(*name, names, "a subject"));
    return std::nullopt;
  }
  if (draft.policy.subjects[index].world == World::subject) {
    mistakes.add(node->place, "a flow cannot start or end at '" + *name + "', which has 'world: subject'",
                 "give it 'world: run', or remove the flow");
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(index);
}

/// A size of `what`, "a queue" or the like, within bounds.
void read_bytes(const Node& node, const std::string& what, std::uint64_t least, std::uint64_t most,
                std::uint64_t& result, Mistakes& mistakes) {
  const auto text = read_text(node, "the size of " + what, "256MiB", mistakes);
  if (!text) return;
  const auto bytes = parse_size(*text);
  if (!bytes) {
    mistakes.add(node.place, quote(*text) + " is not a size", "write bytes, or a number with KiB, MiB or GiB: 256MiB");
  } else if (*bytes < least || *bytes > most) {
    mistakes.add(node.place, what + " of " + quote(*text) + " is out of bounds",
                 "use " + print_size(least) + " to " + print_size(most));
  } else {
    result = *bytes;
  }
}

void read_when_full(const Fields& fields, table::Flow& flow, Mistakes& mistakes) {
  const Node* node = fields.find("when_full");
  if (node == nullptr) return;
  const auto text = read_text(*node, "'when_full' of a flow", "when_full: stop-receiver", mistakes);
  if (!text) return;
  for (const auto value : {table::WhenFull::stop_receiver, table::WhenFull::spill, table::WhenFull::drop}) {
    if (*text != word(value)) continue;
    flow.when_full = value;
    return;
  }
  mistakes.add(node->place, "'when_full' of a flow is " + quote(*text), "write stop-receiver, spill or drop");
}

/// The key `spill`: where the overflow goes and how much of it there may be.
void read_spill(const Fields& fields, CheckFiles check, Place place, table::Flow& flow, Draft& draft) {
  static const std::vector<std::string> kKeys{"directory", "size"};
  static const char* const kSpillExample = "spill: { directory: DIRECTORY, size: 4GiB }";
  Mistakes& mistakes = draft.mistakes;
  const bool spills = flow.when_full == table::WhenFull::spill;
  const Node* node = spills ? fields.need("spill", place, kSpillExample) : fields.find("spill");
  if (node == nullptr) return;
  if (!spills) {
    mistakes.add(node->place, "'spill' without 'when_full: spill'", "remove it, or add 'when_full: spill'");
    return;
  }
  const Fields parts(*node, "'spill' of a flow", kKeys, mistakes);
  if (!parts.is_map()) return;
  const Node* directory = parts.need("directory", node->place, "directory: DIRECTORY");
  const Node* size = parts.need("size", node->place, "size: 4GiB");
  if (size != nullptr)
    read_bytes(*size, "a spill file", wire::kMinSpillBytes, wire::kMaxSpillBytes, flow.spill_bytes, mistakes);
  const auto written =
      directory == nullptr ? std::nullopt : read_text(*directory, "'directory'", kSpillExample, mistakes);
  if (!written) return;
  Spill spill{.flow = static_cast<std::uint32_t>(draft.policy.table.flows.size()),
              .written = *written,
              .visible = absolute(draft.policy.folder, *written),
              .path = {},
              .place = directory->place};
  spill.path = check == CheckFiles::yes ? resolved(spill.visible) : spill.visible;
  draft.policy.spills.push_back(std::move(spill));
}

/// A key that has one value in this version, and others that are known but not carried yet.
void read_only_choice(const Fields& fields, const std::string& key, const std::string& carried,
                      const std::vector<std::string>& later, Mistakes& mistakes) {
  const Node* node = fields.find(key);
  if (node == nullptr) return;
  const auto text = read_text(*node, "'" + key + "' of a flow", key + ": " + carried, mistakes);
  if (!text || *text == carried) return;
  if (std::find(later.begin(), later.end(), *text) != later.end()) {
    mistakes.add(node->place, "'" + key + ": " + *text + "' is not carried by this version",
                 "use '" + key + ": " + carried + "'");
    return;
  }
  mistakes.add(node->place, "'" + key + "' of a flow is " + quote(*text), "write " + key + ": " + carried);
}

void read_path(const Fields& fields, table::Flow& flow, Mistakes& mistakes) {
  const Node* node = fields.find("path");
  if (node == nullptr || node->kind != NodeKind::text || node->text != "shared") {
    return read_only_choice(fields, "path", "relay", {"partitioned", "remote", "diode"}, mistakes);
  }
  if (flow.when_full != table::WhenFull::stop_receiver) {
    mistakes.add(node->place, "'path: shared' with 'when_full: " + std::string(word(flow.when_full)) + "'",
                 "use 'when_full: stop-receiver', or 'path: relay'");
    return;
  }
  flow.path = table::Path::shared;
}

void read_downgrade(const Fields& fields, table::Flow& flow, Mistakes& mistakes) {
  const Node* node = fields.find("downgrade");
  if (node == nullptr) return;
  const auto name = read_text(*node, "'downgrade' of a flow", "downgrade: NAME", mistakes);
  if (!name) return;
  if (!lattice::is_name(*name)) {
    mistakes.add(node->place, quote(*name) + " cannot name a downgrade",
                 "use 1 to " + std::to_string(lattice::kMaxNameBytes) + " letters, digits, '_', '-' or '.'");
    return;
  }
  flow.downgrade = *name;
}

/// Holds a flow against the lattice: a downgrade must be there exactly where the lattice forbids it.
void judge(const Fields& fields, const table::Flow& flow, Place place, Draft& draft) {
  if (!draft.labelled[flow.from] || !draft.labelled[flow.to]) return;
  const Subject& from = draft.policy.subjects[flow.from];
  const Subject& to = draft.policy.subjects[flow.to];
  const bool lawful = lattice::dominates(to.label, from.label);
  const Node* downgrade = fields.find("downgrade");
  if (!lawful && downgrade == nullptr) {
    draft.mistakes.add(place,
                       "the lattice forbids a flow from " + named(from) + " to " + named(to) + ": " +
                           failing_text(draft.policy.lattice, from, to),
                       "raise the label of '" + to.name + "' to " +
                           draft.policy.lattice.print(lattice::join(from.label, to.label)) +
                           ", or add 'downgrade: NAME' to the flow, or remove it");
  } else if (lawful && downgrade != nullptr) {
    draft.mistakes.add(downgrade->place,
                       "a downgrade is not needed: the lattice allows a flow from " + named(from) + " to " + named(to),
                       "remove 'downgrade'");
  }
}

struct Reader {
  Draft& draft;
  CheckFiles check;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> lines = {};  ///< of the flows read so far
  std::vector<std::pair<std::size_t, Place>> shared =
      {};  ///< flows with `path: shared`, by index, and where they say so

  void read(const Node& node) {
    static const std::vector<std::string> kKeys{"from", "to", "queue", "when_full", "spill", "path", "downgrade"};
    Mistakes& mistakes = draft.mistakes;
    const Fields fields(node, "a flow", kKeys, mistakes);
    if (!fields.is_map()) return;
    table::Flow flow;
    flow.queue_bytes = kDefaultQueueBytes;
    flow.policy_line = node.place.line;
    const auto from = read_end(fields, "from", node.place, draft);
    const auto to = read_end(fields, "to", node.place, draft);
    if (const Node* queue = fields.find("queue")) {
      read_bytes(*queue, "a queue", wire::kMinQueueBytes, wire::kMaxQueueBytes, flow.queue_bytes, mistakes);
    }
    read_when_full(fields, flow, mistakes);
    read_spill(fields, check, node.place, flow, draft);
    read_path(fields, flow, mistakes);
    read_downgrade(fields, flow, mistakes);
    if (!from || !to) return;
    flow.from = *from;
    flow.to = *to;
    add(fields, flow, node.place);
  }

  void add(const Fields& fields, table::Flow& flow, Place place) {
    const std::string& from = draft.policy.subjects[flow.from].name;
    const std::string& to = draft.policy.subjects[flow.to].name;
    if (flow.from == flow.to) {
      draft.mistakes.add(place, "a flow from '" + from + "' to itself",
                         "remove it: nothing inside a subject is mediated");
      return;
    }
    const auto [first, fresh] = lines.emplace(std::pair(flow.from, flow.to), place.line);
    if (!fresh) {
      draft.mistakes.add(place, "the flow from '" + from + "' to '" + to + "' is listed twice",
                         "the first is at line " + std::to_string(first->second) + "; keep one");
      return;
    }
    judge(fields, flow, place, draft);
    if (flow.path == table::Path::shared)
      shared.emplace_back(draft.policy.table.flows.size(), fields.find("path")->place);
    draft.policy.table.flows.push_back(std::move(flow));
  }
};

}  // namespace

void read_flows(const Node& node, CheckFiles check, Draft& draft) {
  if (node.kind == NodeKind::null) return;  // `flows:` with nothing below: no flows
  if (!expect(node, NodeKind::list, "'flows'", kExample, draft.mistakes)) return;
  Reader reader{draft, check};
  for (const Node& item : node.items) {
    if (draft.mistakes.full()) return;
    reader.read(item);
  }
  check_paths(reader.shared, draft);
}

}  // namespace sluice::policy
