// Which file of the folder each number that the kernel knows stands for.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace sluice::mirror {

/// Numbers are never used twice. A file keeps its number as long as the kernel remembers it.
class NodeTable {
 public:
  using Number = std::uint64_t;
  static constexpr Number kRoot = 1;  ///< FUSE_ROOT_ID

  NodeTable() { remember(""); }

  /// Path from the root, without a slash in front; empty for the root; nullptr for a number that is not known.
  [[nodiscard]] const std::string* path_of(Number number) const {
    const auto found = nodes_.find(number);
    if (found == nodes_.end()) return nullptr;
    const Node& node = found->second;
    return &node.path;
  }

  /// The number of `path`, which the kernel is told of once more.
  Number remember(const std::string& path) {
    const auto [place, added] = numbers_.try_emplace(path, next_);
    if (added) nodes_.emplace(next_++, Node{path, 0});
    ++nodes_[place->second].told;
    return place->second;
  }

  /// The kernel has forgotten that many times what it was told of `number`.
  void forget(Number number, std::uint64_t times) {
    const auto found = nodes_.find(number);
    if (found == nodes_.end() || number == kRoot) return;
    if (found->second.told > times) {
      found->second.told -= times;
      return;
    }
    numbers_.erase(found->second.path);
    nodes_.erase(found);
  }

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }

 private:
  struct Node {
    std::string path;
    std::uint64_t told = 0;
  };
  std::unordered_map<Number, Node> nodes_;
  std::unordered_map<std::string, Number> numbers_;
  Number next_ = kRoot;
};

}  // namespace sluice::mirror
