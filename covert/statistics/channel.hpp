// A discrete memoryless channel as it was observed, and its capacity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::covert {

/// How often each input symbol was followed by each output symbol.
class Counts {
 public:
  Counts(std::size_t inputs, std::size_t outputs) : inputs_(inputs), outputs_(outputs), cells_(inputs * outputs) {}

  void add(std::size_t input, std::size_t output, std::uint64_t times = 1) {
    cells_[input * outputs_ + output] += times;
  }
  [[nodiscard]] std::uint64_t at(std::size_t input, std::size_t output) const {
    return cells_[input * outputs_ + output];
  }
  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  [[nodiscard]] std::uint64_t of_input(std::size_t input) const;
  [[nodiscard]] std::uint64_t total() const;

 private:
  std::size_t inputs_;
  std::size_t outputs_;
  std::vector<std::uint64_t> cells_;
};

/// Capacity in bits per symbol of the channel with these transition frequencies, by the iteration of Blahut and of
/// Arimoto (both 1972); the lower of the two bounds that the iteration gives. Inputs that were never used are left
/// out. The estimate is biased upwards by about (inputs - 1)(outputs - 1) / (2 n ln 2) bits for n symbols.
/// `tolerance`: bits between the two bounds at which the iteration stops.
double capacity(const Counts& counts, double tolerance = 1e-7);

/// Mutual information in bits between input and output at the observed frequencies.
double mutual_information(const Counts& counts);

}  // namespace sluice::covert
