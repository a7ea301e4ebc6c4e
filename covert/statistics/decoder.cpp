#include "covert/statistics/decoder.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace sluice::covert {

namespace {

constexpr std::size_t kBlock = 16;  // symbols that are learnt from, or judged, together
constexpr std::size_t kMostBins = 8;
constexpr std::size_t kLeastInBin = 20;  // symbols in a bin, so that it can be learnt what it stands for
constexpr double kDoubt = 0.1;           // a bin whose bits are less lopsided than this tells nothing

constexpr int kBoth = 2;

int half_of(std::size_t symbol) { return static_cast<int>(symbol / kBlock % 2); }

using BinCounts = std::array<std::array<double, 2>, kMostBins>;

template <typename Feature>
BinCounts count(const Feature& feature, const std::vector<bool>& bits, int half) {
  BinCounts counts{};
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (half == kBoth || half_of(i) == half) ++counts[feature.bin[i]][bits[i] ? 1 : 0];
  }
  return counts;
}

/// Mutual information in bits, less what so many bins show by chance (Miller 1955).
double telling(const BinCounts& counts, std::size_t bins) {
  Counts table(2, bins);
  for (std::size_t b = 0; b < bins; ++b) {
    table.add(0, b, static_cast<std::uint64_t>(counts[b][0]));
    table.add(1, b, static_cast<std::uint64_t>(counts[b][1]));
  }
  const auto total = static_cast<double>(std::max<std::uint64_t>(table.total(), 1));
  return mutual_information(table) - static_cast<double>(bins - 1) / (2 * total * std::log(2.0));
}

/// Upper edges of bins with about equal numbers of values; equal values stay together. Few different values get a bin
/// each.
std::vector<double> edges_of(std::vector<double> values, std::size_t most) {
  std::sort(values.begin(), values.end());
  std::vector<double> different = values;
  different.erase(std::unique(different.begin(), different.end()), different.end());
  if (different.size() <= most) return different;
  std::vector<double> edges;
  for (std::size_t bin = 1; bin < most; ++bin) {
    const double edge = values[bin * values.size() / most];
    if (edges.empty() || edge > edges.back()) edges.push_back(edge);
  }
  if (values.back() > edges.back()) edges.push_back(values.back());
  return edges;
}

}  // namespace

Decoder::Decoder(const Observations& observations)
    : symbols_(observations.symbols()), most_bins_(std::clamp(symbols_ / 2 / kLeastInBin, std::size_t{2}, kMostBins)) {
  std::vector<double> column(symbols_);
  std::vector<double> later(symbols_);
  std::vector<double> change(symbols_);
  for (std::size_t c = 0; c < observations.columns; ++c) {
    for (std::size_t i = 0; i < symbols_; ++i) {
      column[i] = observations.at(i, c);
      later[i] = observations.at(std::min(i + 1, symbols_ - 1), c);
      change[i] = i == 0 ? 0 : column[i] - column[i - 1];
    }
    add(column);
    add(later);
    add(change);
  }
}

void Decoder::add(std::vector<double> values) {
  for (double& value : values) {
    if (!std::isfinite(value)) value = -1;
  }
  const std::vector<double> edges = edges_of(values, most_bins_);
  if (edges.size() < 2) return;  // never changes
  Feature feature{edges.size(), std::vector<std::uint8_t>(symbols_)};
  for (std::size_t i = 0; i < symbols_; ++i) {
    const auto place = std::lower_bound(edges.begin(), edges.end() - 1, values[i]);
    feature.bin[i] = static_cast<std::uint8_t>(place - edges.begin());
  }
  features_.push_back(std::move(feature));
}

const Decoder::Feature* Decoder::best(const std::vector<bool>& bits, int half) const {
  const Feature* found = nullptr;
  double most = 0;
  for (const Feature& feature : features_) {
    const double bits_told = telling(count(feature, bits, half), feature.bins);
    if (found == nullptr || bits_told > most) {
      found = &feature;
      most = bits_told;
    }
  }
  return found;
}

std::vector<Guess> Decoder::guess(const std::vector<bool>& bits) const {
  std::vector<Guess> guesses(symbols_, Guess::unknown);
  for (const int learnt : {0, 1}) {
    const Feature* feature = best(bits, learnt);
    if (feature == nullptr) break;
    const BinCounts counts = count(*feature, bits, learnt);
    std::array<Guess, kMostBins> meaning{};
    for (std::size_t b = 0; b < kMostBins; ++b) {
      const double ones = (counts[b][1] + 1) / (counts[b][0] + counts[b][1] + 2);
      meaning[b] = ones > 0.5 + kDoubt ? Guess::one : ones < 0.5 - kDoubt ? Guess::zero : Guess::unknown;
    }
    for (std::size_t i = 0; i < symbols_; ++i) {
      if (half_of(i) != learnt) guesses[i] = meaning[feature->bin[i]];
    }
  }
  return guesses;
}

Counts Decoder::most_telling(const std::vector<bool>& bits) const {
  const Feature* feature = best(bits, kBoth);
  Counts table(2, feature == nullptr ? 1 : feature->bins);
  for (std::size_t i = 0; i < symbols_; ++i) table.add(bits[i] ? 1 : 0, feature == nullptr ? 0 : feature->bin[i]);
  return table;
}

Counts joined(const std::vector<bool>& bits, const std::vector<Guess>& guesses) {
  Counts table(2, kGuesses);
  for (std::size_t i = 0; i < bits.size(); ++i) table.add(bits[i] ? 1 : 0, static_cast<std::size_t>(guesses[i]));
  return table;
}

}  // namespace sluice::covert
