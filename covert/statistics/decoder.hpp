// From what a receiver saw to what it would take the secret bits for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "covert/statistics/channel.hpp"

namespace sluice::covert {

/// What a receiver wrote down: for each symbol the same number of values.
struct Observations {
  std::size_t columns = 0;
  std::vector<double> values;  ///< row by row

  [[nodiscard]] std::size_t symbols() const { return columns == 0 ? 0 : values.size() / columns; }
  [[nodiscard]] double at(std::size_t symbol, std::size_t column) const { return values[symbol * columns + column]; }
};

/// Outputs of the observed channel.
enum class Guess : std::uint8_t { zero, unknown, one };
inline constexpr std::size_t kGuesses = 3;

/// A receiver that learns. It turns each column, the same column one symbol later, and the column's change since the
/// symbol before, into at most eight bins with equal numbers of symbols. From one half of the symbols (alternating
/// blocks) it learns which of these tells most about the bits and what each of its bins stands for; with that it
/// guesses the bits of the other half, and the other way round. So nothing is judged by what it was learnt from.
class Decoder {
 public:
  explicit Decoder(const Observations& observations);

  /// One guess for each symbol. `bits` are those that were sent; as many as there are symbols.
  [[nodiscard]] std::vector<Guess> guess(const std::vector<bool>& bits) const;

  /// How often each bit was sent while the most telling binned value was in each bin; for pictures, not for judging.
  [[nodiscard]] Counts most_telling(const std::vector<bool>& bits) const;

  [[nodiscard]] std::size_t symbols() const { return symbols_; }

 private:
  struct Feature {
    std::size_t bins;
    std::vector<std::uint8_t> bin;  ///< of each symbol
  };

  void add(std::vector<double> values);
  [[nodiscard]] const Feature* best(const std::vector<bool>& bits, int half) const;

  std::size_t symbols_;
  std::size_t most_bins_;
  std::vector<Feature> features_;
};

/// Counts of bits and guesses.
Counts joined(const std::vector<bool>& bits, const std::vector<Guess>& guesses);

}  // namespace sluice::covert
