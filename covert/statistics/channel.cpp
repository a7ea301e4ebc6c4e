#include "covert/statistics/channel.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::covert {

namespace {

constexpr int kMostSteps = 5000;

/// Transition probabilities of the inputs that were used.
std::vector<std::vector<double>> transitions(const Counts& counts) {
  std::vector<std::vector<double>> rows;
  for (std::size_t x = 0; x < counts.inputs(); ++x) {
    const auto used = static_cast<double>(counts.of_input(x));
    if (used == 0) continue;
    std::vector<double> row(counts.outputs());
    for (std::size_t y = 0; y < row.size(); ++y) row[y] = static_cast<double>(counts.at(x, y)) / used;
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Bits by which the output tells the input `row` from the mixture `output`.
double divergence(const std::vector<double>& row, const std::vector<double>& output) {
  double bits = 0;
  for (std::size_t y = 0; y < row.size(); ++y) {
    if (row[y] > 0) bits += row[y] * std::log2(row[y] / output[y]);
  }
  return bits;
}

}  // namespace

std::uint64_t Counts::of_input(std::size_t input) const {
  std::uint64_t sum = 0;
  for (std::size_t y = 0; y < outputs_; ++y) sum += at(input, y);
  return sum;
}

std::uint64_t Counts::total() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t cell : cells_) sum += cell;
  return sum;
}

double capacity(const Counts& counts, double tolerance) {
  const auto rows = transitions(counts);
  if (rows.size() < 2) return 0;
  std::vector<double> input(rows.size(), 1.0 / static_cast<double>(rows.size()));
  double lower = 0;
  for (int step = 0; step < kMostSteps; ++step) {
    std::vector<double> output(counts.outputs(), 0.0);
    for (std::size_t x = 0; x < rows.size(); ++x) {
      for (std::size_t y = 0; y < output.size(); ++y) output[y] += input[x] * rows[x][y];
    }
    double sum = 0;
    double upper = 0;
    for (std::size_t x = 0; x < rows.size(); ++x) {
      const double bits = divergence(rows[x], output);
      upper = std::max(upper, bits);
      input[x] *= std::exp2(bits);
      sum += input[x];
    }
    lower = std::log2(sum);
    if (upper - lower < tolerance) break;
    for (double& probability : input) probability /= sum;
  }
  return std::max(lower, 0.0);
}

double mutual_information(const Counts& counts) {
  const auto total = static_cast<double>(counts.total());
  if (total == 0) return 0;
  double bits = 0;
  for (std::size_t y = 0; y < counts.outputs(); ++y) {
    double seen = 0;
    for (std::size_t x = 0; x < counts.inputs(); ++x) seen += static_cast<double>(counts.at(x, y));
    for (std::size_t x = 0; x < counts.inputs(); ++x) {
      const auto both = static_cast<double>(counts.at(x, y));
      if (both > 0) bits += both / total * std::log2(both * total / (static_cast<double>(counts.of_input(x)) * seen));
    }
  }
  return std::max(bits, 0.0);
}

}  // namespace sluice::covert
