// Labels as the library reads them: to choose subjects by label. What may flow where is decided elsewhere.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice::interpose {

/// A level and a set of compartments of one Levels.
struct Label {
  std::size_t level = 0;
  std::vector<bool> compartments;
};

/// Whether information may flow from `low` to `high` as far as the lattice is concerned (Denning 1976).
[[nodiscard]] bool dominates(const Label& high, const Label& low);

/// Levels and compartments of the policy, as wire/privilege_table.hpp gives them.
class Levels {
 public:
  /// `lattice`: LEVEL/LEVEL//COMPARTMENT/COMPARTMENT, lowest level first. Views of it are kept.
  explicit Levels(std::string_view lattice);

  /// Reads `LEVEL` or `LEVEL//COMPARTMENT/COMPARTMENT`, compartments in any order. Nothing for names that the policy
  /// does not have.
  [[nodiscard]] std::optional<Label> parse(std::string_view text) const;

 private:
  std::vector<std::string_view> levels_;
  std::vector<std::string_view> compartments_;
};

}  // namespace sluice::interpose
