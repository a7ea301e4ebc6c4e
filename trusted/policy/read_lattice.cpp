// Section `lattice`.
#include <map>

#include "trusted/policy/sections.hpp"

namespace sluice::policy {
namespace {

using lattice::Lattice;

/// The good names of a list, in order; reports the others.
std::vector<std::string> read_names(const Node& list, const std::string& what, std::size_t most, Mistakes& mistakes) {
  std::vector<std::string> names;
  std::map<std::string_view, Place> seen;
  for (const Node& item : list.items) {
    if (!read_text(item, "a " + what, "", mistakes)) continue;
    if (!lattice::is_name(item.text)) {
      mistakes.add(item.place, quote(item.text) + " cannot name a " + what,
                   "use 1 to " + std::to_string(lattice::kMaxNameBytes) + " letters, digits, '_', '-' or '.'");
      continue;
    }
    const auto [first, fresh] = seen.emplace(item.text, item.place);
    if (!fresh) {
      mistakes.add(item.place, what + " " + quote(item.text) + " is given twice", "keep one");
      continue;
    }
    if (names.size() == most) {
      mistakes.add(item.place, "too many " + what + "s", "a lattice has at most " + std::to_string(most));
      break;
    }
    names.push_back(item.text);
  }
  return names;
}

}  // namespace

void read_lattice(const Node& node, Draft& draft) {
  static const std::vector<std::string> kKeys{"levels", "compartments"};
  Mistakes& mistakes = draft.mistakes;
  const Fields fields(node, "'lattice'", kKeys, mistakes);
  if (!fields.is_map()) return;

  const char* example = "levels: [UNCLASSIFIED, SECRET], lowest first";
  std::vector<std::string> levels;
  if (const Node* list = fields.need("levels", node.place, example)) {
    if (expect(*list, NodeKind::list, "'levels'", example, mistakes)) {
      levels = read_names(*list, "level", lattice::kMaxLevels, mistakes);
      if (list->items.empty()) mistakes.add(list->place, "there are no levels", std::string("write ") + example);
    }
  }
  std::vector<std::string> compartments;
  if (const Node* list = fields.find("compartments")) {
    if (expect(*list, NodeKind::list, "'compartments'", "compartments: [IMG]", mistakes)) {
      compartments = read_names(*list, "compartment", lattice::kMaxCompartments, mistakes);
    }
  }
  auto made = Lattice::make(std::move(levels), std::move(compartments));
  if (made.ok()) draft.policy.lattice = std::move(made).value();  // otherwise the reason is reported above
}

}  // namespace sluice::policy
