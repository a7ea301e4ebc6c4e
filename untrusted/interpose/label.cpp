#include "untrusted/interpose/label.hpp"

#include <algorithm>
#include <utility>

namespace sluice::interpose {

namespace {

/// The two sides of `//`.
std::pair<std::string_view, std::string_view> halves(std::string_view text) {
  const std::size_t bar = text.find("//");
  if (bar == std::string_view::npos) return {text, {}};
  return {text.substr(0, bar), text.substr(bar + 2)};
}

/// Names between slashes; none in an empty text.
std::vector<std::string_view> names_in(std::string_view text) {
  std::vector<std::string_view> names;
  for (bool more = !text.empty(); more;) {
    const std::size_t slash = text.find('/');
    names.push_back(text.substr(0, slash));
    more = slash != std::string_view::npos;
    if (more) text.remove_prefix(slash + 1);
  }
  return names;
}

std::optional<std::size_t> place_of(std::string_view name, const std::vector<std::string_view>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

bool dominates(const Label& high, const Label& low) {
  if (high.level < low.level) return false;
  for (std::size_t i = 0; i < low.compartments.size(); ++i) {
    if (low.compartments[i] && !high.compartments[i]) return false;
  }
  return true;
}

Levels::Levels(std::string_view lattice) {
  const auto [levels, compartments] = halves(lattice);
  levels_ = names_in(levels);
  compartments_ = names_in(compartments);
}

std::optional<Label> Levels::parse(std::string_view text) const {
  const auto [level_name, compartments] = halves(text);
  const auto level = place_of(level_name, levels_);
  if (!level.has_value()) return std::nullopt;
  Label label{*level, std::vector<bool>(compartments_.size())};
  for (const std::string_view name : names_in(compartments)) {
    const auto compartment = place_of(name, compartments_);
    if (!compartment.has_value()) return std::nullopt;
    label.compartments[*compartment] = true;
  }
  return label;
}

}  // namespace sluice::interpose
