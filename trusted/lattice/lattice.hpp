// Security labels: a level out of a total order and a set of compartments, and the lattice that they form.
//
// D. E. Denning, "A lattice model of secure information flow", CACM 19(5), 1976. Information may flow from label a
// to label b exactly when b dominates a: b's level is at least a's, and b has every compartment of a.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trusted/base/result.hpp"

namespace sluice::lattice {

inline constexpr std::size_t kMaxLevels = 256;
inline constexpr std::size_t kMaxCompartments = 64;
/// Characters of one level's or compartment's name.
inline constexpr std::size_t kMaxNameBytes = 63;

/// A point of one Lattice; meaningless in another.
struct Label {
  std::uint32_t level = 0;         ///< index into the lattice's levels, lowest first
  std::uint64_t compartments = 0;  ///< bit i: compartment i of the lattice

  friend bool operator==(const Label&, const Label&) = default;
};

/// True if information may flow from `low` to `high`. A partial order.
[[nodiscard]] constexpr bool dominates(const Label& high, const Label& low) noexcept {
  return high.level >= low.level && (low.compartments & ~high.compartments) == 0;
}

/// The lowest label that dominates both.
[[nodiscard]] constexpr Label join(const Label& a, const Label& b) noexcept {
  return {a.level > b.level ? a.level : b.level, a.compartments | b.compartments};
}

/// The highest label that both dominate.
[[nodiscard]] constexpr Label meet(const Label& a, const Label& b) noexcept {
  return {a.level < b.level ? a.level : b.level, a.compartments & b.compartments};
}

enum class LatticeError {
  no_levels,            ///< a lattice needs at least one level
  too_many,             ///< more than kMaxLevels levels or kMaxCompartments compartments
  bad_name,             ///< not 1..kMaxNameBytes letters, digits, '_', '-' or '.'
  duplicate,            ///< the same name twice
  unknown_level,        ///< the label's level is not one of the lattice's
  unknown_compartment,  ///< a compartment of the label is not one of the lattice's
  too_long,             ///< the label's banner does not fit wire::kLabelBytes
};

/// What is wrong, and the word that is.
struct Problem {
  LatticeError kind;
  std::string word;
};

/// True if `name` may name a level, a compartment or (in policies) a subject.
[[nodiscard]] bool is_name(std::string_view name) noexcept;

/// The levels and compartments of one policy.
class Lattice {
 public:
  Lattice() = default;

  /// `levels` lowest first; `compartments` in the order in which labels print them. Errors: no_levels, too_many,
  /// bad_name, duplicate.
  static Result<Lattice, Problem> make(std::vector<std::string> levels, std::vector<std::string> compartments);

  /// Reads `LEVEL` or `LEVEL//C1/C2`, compartments in any order. Errors: unknown_level, unknown_compartment (also
  /// for an empty one), duplicate, too_long.
  [[nodiscard]] Result<Label, Problem> parse(std::string_view text) const;

  /// Banner style: `SECRET//IMG/NUC`, compartments in the lattice's order.
  [[nodiscard]] std::string print(const Label& label) const;

  [[nodiscard]] const std::vector<std::string>& levels() const noexcept { return levels_; }
  [[nodiscard]] const std::vector<std::string>& compartments() const noexcept { return compartments_; }

 private:
  std::vector<std::string> levels_;
  std::vector<std::string> compartments_;
};

}  // namespace sluice::lattice
