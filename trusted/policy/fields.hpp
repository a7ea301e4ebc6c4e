// Typed access to the nodes of a policy; whatever is not as it should be is reported, and reading goes on.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "trusted/policy/mistakes.hpp"
#include "trusted/policy/tree.hpp"

namespace sluice::policy {

/// The keys of one map. Reports that it is no map, keys that are unknown or given twice.
class Fields {
 public:
  /// `owner` names the map in messages: "subject 'ingest'".
  Fields(const Node& node, std::string owner, std::span<const std::string> known, Mistakes& mistakes);

  /// Value of `key`; null if it is not given.
  [[nodiscard]] const Node* find(std::string_view key) const;
  /// The same; reports at `place` (where the owner is) that it is missing, with `example` for a fix.
  [[nodiscard]] const Node* need(std::string_view key, Place place, std::string_view example) const;
  /// Place of `key` itself; of nothing if it is not given.
  [[nodiscard]] Place key_place(std::string_view key) const;
  /// False if the node was no map; then nothing else is worth reporting.
  [[nodiscard]] bool is_map() const noexcept { return is_map_; }
  [[nodiscard]] const std::string& owner() const noexcept { return owner_; }

 private:
  Mistakes& mistakes_;
  std::string owner_;
  struct Field {
    Place place;
    const Node* value;
  };
  std::map<std::string_view, Field> fields_;
  bool is_map_ = false;
};

/// True if `node` is of `kind`; otherwise reports "WHAT must be KIND, not ...", with `example` for a fix.
bool expect(const Node& node, NodeKind kind, std::string_view what, std::string_view example, Mistakes& mistakes);

/// Text of `node` if it is a text and not empty; otherwise reports it.
std::optional<std::string> read_text(const Node& node, std::string_view what, std::string_view example,
                                     Mistakes& mistakes);

/// Calls `each(key, value)` for the entries of a map whose keys are texts; reports the other keys. A key given twice is
/// reported as "WHAT 'KEY' is defined twice" and left out.
template <typename Each>
void for_each_entry(const Node& map, std::string_view what, Mistakes& mistakes, Each each) {
  std::map<std::string_view, Place> seen;
  for (std::size_t i = 0; i + 1 < map.items.size() && !mistakes.full(); i += 2) {
    const Node& key = map.items[i];
    if (key.kind != NodeKind::text) {
      mistakes.add(key.place, "the name of a " + std::string(what) + " must be a text");
      continue;
    }
    const auto [first, fresh] = seen.emplace(key.text, key.place);
    if (!fresh) {
      mistakes.add(key.place, std::string(what) + " " + quote(key.text) + " is defined twice",
                   "the first is at line " + std::to_string(first->second.line) + "; keep one");
      continue;
    }
    each(key, map.items[i + 1]);
  }
}

}  // namespace sluice::policy
