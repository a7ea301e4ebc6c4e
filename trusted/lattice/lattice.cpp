#include "trusted/lattice/lattice.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "wire/privilege_table.hpp"

namespace sluice::lattice {
namespace {

bool is_name_character(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

std::optional<Problem> check_names(const std::vector<std::string>& names, std::size_t most) {
  if (names.size() > most) return Problem{LatticeError::too_many, names[most]};
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (!is_name(*name)) return Problem{LatticeError::bad_name, *name};
    if (std::find(names.begin(), name, *name) != name) return Problem{LatticeError::duplicate, *name};
  }
  return std::nullopt;
}

std::optional<std::size_t> index_of(const std::vector<std::string>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

bool is_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), is_name_character);
}

Result<Lattice, Problem> Lattice::make(std::vector<std::string> levels, std::vector<std::string> compartments) {
  if (levels.empty()) return Problem{LatticeError::no_levels, ""};
  if (auto problem = check_names(levels, kMaxLevels)) return *std::move(problem);
  if (auto problem = check_names(compartments, kMaxCompartments)) return *std::move(problem);
  Lattice lattice;
  lattice.levels_ = std::move(levels);
  lattice.compartments_ = std::move(compartments);
  return lattice;
}

Result<Label, Problem> Lattice::parse(std::string_view text) const {
  const std::size_t bar = text.find("//");
  const std::string_view level_name = text.substr(0, bar);
  const auto level = index_of(levels_, level_name);
  if (!level) return Problem{LatticeError::unknown_level, std::string(level_name)};

  Label label{static_cast<std::uint32_t>(*level), 0};
  if (bar != std::string_view::npos) {
    std::string_view rest = text.substr(bar + 2);
    for (bool more = true; more;) {
      const std::size_t slash = rest.find('/');
      const std::string name(rest.substr(0, slash));
      const auto compartment = index_of(compartments_, name);
      if (!compartment) return Problem{LatticeError::unknown_compartment, name};
      const std::uint64_t bit = std::uint64_t{1} << *compartment;
      if ((label.compartments & bit) != 0) return Problem{LatticeError::duplicate, name};
      label.compartments |= bit;
      more = slash != std::string_view::npos;
      if (more) rest.remove_prefix(slash + 1);
    }
  }
  if (print(label).size() >= wire::kLabelBytes) return Problem{LatticeError::too_long, std::string(text)};
  return label;
}

std::string Lattice::print(const Label& label) const {
  if (label.level >= levels_.size()) return {};  // of another lattice
  std::string text = levels_[label.level];
  std::string_view separator = "//";
  for (std::size_t i = 0; i < compartments_.size(); ++i) {
    if ((label.compartments >> i & 1) == 0) continue;
    text += separator;
    text += compartments_[i];
    separator = "/";
  }
  return text;
}

}  // namespace sluice::lattice
