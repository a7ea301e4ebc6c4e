// A YAML document as a tree whose every node knows its place.
//
// Policies use plain YAML: maps, lists and texts. Anchors, aliases, tags and further documents are refused, so that
// every line of a policy says itself what it says.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trusted/policy/mistakes.hpp"
#include "trusted/policy/policy.hpp"

namespace sluice::policy {

enum class NodeKind { null, text, list, map };

struct Node {
  NodeKind kind = NodeKind::null;
  Place place;
  std::string text;         ///< of a text
  std::vector<Node> items;  ///< of a list; of a map: key, value, key, value ...
};

/// "a text", "a list", "a map", "empty": for messages.
std::string_view describe(NodeKind kind) noexcept;

/// Reads `text`. Nothing if it is not YAML at all; then, and for what is refused, `mistakes` says why and where.
std::optional<Node> read_tree(std::string_view text, Mistakes& mistakes);

}  // namespace sluice::policy
