#include "trusted/policy/mistakes.hpp"

#include <algorithm>
#include <numeric>

#include "trusted/policy/text.hpp"

namespace sluice::policy {
namespace {

constexpr std::size_t kLongestQuote = 80;
constexpr std::size_t kLongestWord = 64;  // longer words are not compared

/// Levenshtein distance.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace

void Mistakes::add(Place place, std::string_view what, std::string_view fix) {
  if (full()) return;
  if (list_.size() == kMaxMistakes) {
    list_.push_back({place, "there are more mistakes than are listed", "mend these first"});
    return;
  }
  list_.push_back({place, printable(what), printable(fix)});
}

std::vector<Mistake> Mistakes::take() && {
  std::stable_sort(list_.begin(), list_.end(), [](const Mistake& a, const Mistake& b) { return a.place < b.place; });
  return std::move(list_);
}

std::string quote(std::string_view text) {
  std::string result = "'" + std::string(text.substr(0, kLongestQuote));
  if (text.size() > kLongestQuote) result += "...";
  return result + "'";
}

std::string suggest(std::string_view word, std::span<const std::string> known, std::string_view one_of) {
  if (known.empty()) return "there is no " + std::string(one_of);
  const std::string sought = lower(word.substr(0, kLongestWord));
  const std::string* nearest = nullptr;
  std::size_t least = 1 + sought.size() / 3;
  for (const std::string& candidate : known) {
    const std::size_t distance = edits(sought, lower(candidate));
    if (distance > least || (distance == least && nearest != nullptr)) continue;
    least = distance;
    nearest = &candidate;
  }
  if (nearest != nullptr && word.size() <= kLongestWord) return "did you mean '" + *nearest + "'?";
  std::string text = std::string(one_of) + " is one of ";
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (i == 12) return text + ", ...";
    text += (i == 0 ? "" : ", ") + known[i];
  }
  return text;
}

}  // namespace sluice::policy
