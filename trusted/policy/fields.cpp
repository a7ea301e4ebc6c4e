#include "trusted/policy/fields.hpp"

#include <algorithm>

namespace sluice::policy {

Fields::Fields(const Node& node, std::string owner, std::span<const std::string> known, Mistakes& mistakes)
    : mistakes_(mistakes), owner_(std::move(owner)) {
  is_map_ = expect(node, NodeKind::map, owner_, "", mistakes);
  if (!is_map_) return;
  for_each_entry(node, "key", mistakes, [&](const Node& key, const Node& value) {
    if (std::find(known.begin(), known.end(), key.text) == known.end()) {
      mistakes.add(key.place, "unknown key " + quote(key.text) + " of " + owner_, suggest(key.text, known, "a key"));
      return;
    }
    fields_.emplace(key.text, Field{key.place, &value});
  });
}

const Node* Fields::find(std::string_view key) const {
  const auto found = fields_.find(key);
  return found == fields_.end() ? nullptr : found->second.value;
}

Place Fields::key_place(std::string_view key) const {
  const auto found = fields_.find(key);
  return found == fields_.end() ? Place{} : found->second.place;
}

const Node* Fields::need(std::string_view key, Place place, std::string_view example) const {
  const Node* node = find(key);
  if (node == nullptr && is_map_) {
    mistakes_.add(place, owner_ + " has no '" + std::string(key) + "'", "add " + std::string(example));
  }
  return node;
}

bool expect(const Node& node, NodeKind kind, std::string_view what, std::string_view example, Mistakes& mistakes) {
  if (node.kind == kind) return true;

  mistakes.add(node.place,
               node.kind == NodeKind::null ? std::string(what) + " is empty"
                                           : std::string(what) + " must be " + std::string(describe(kind)) + ", not " +
                                                 std::string(describe(node.kind)),
               example.empty() ? std::string() : "write " + std::string(example));
  return false;
}

std::optional<std::string> read_text(const Node& node, std::string_view what, std::string_view example,
                                     Mistakes& mistakes) {
  if (!expect(node, NodeKind::text, what, example, mistakes)) return std::nullopt;
  if (!node.text.empty()) return node.text;
  mistakes.add(node.place, std::string(what) + " is empty",
               example.empty() ? std::string() : "write " + std::string(example));
  return std::nullopt;
}

}  // namespace sluice::policy
