// Collects the mistakes of one policy, and words them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trusted/policy/policy.hpp"

namespace sluice::policy {

/// Mistakes reported for one policy; after these, one more says that others may follow.
inline constexpr std::size_t kMaxMistakes = 200;

class Mistakes {
 public:
  /// Control characters in the texts are escaped, so that a policy cannot steer the terminal it is checked on.
  void add(Place place, std::string_view what, std::string_view fix = {});
  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  /// True once nothing more is taken: a reader of long lists may stop.
  [[nodiscard]] bool full() const noexcept { return list_.size() > kMaxMistakes; }
  /// All of them, in the order of the file.
  [[nodiscard]] std::vector<Mistake> take() &&;

 private:
  std::vector<Mistake> list_;
};

/// `text` in single quotes, cut to a length for people.
std::string quote(std::string_view text);

/// "did you mean 'X'?" if one of `known` is close to `word`, else "ONE_OF is one of X, Y, Z" (`one_of` names the kind).
std::string suggest(std::string_view word, std::span<const std::string> known, std::string_view one_of);

}  // namespace sluice::policy
