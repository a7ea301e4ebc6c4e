#include "covert/statistics/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace sluice::covert {

namespace {

constexpr std::size_t kLeastSymbols = 64;
constexpr std::size_t kResamples = 400;
constexpr std::size_t kBlock = 8;           // symbols that are resampled together: neighbours may depend on each other
constexpr std::size_t kFirstShuffles = 99;  // after which a channel that is plainly useless is not shuffled further

double quantile(const std::vector<double>& sorted, double part) {
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1) + 0.5)];
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Capacities, sorted, that the same observations seem to have for bits in random orders.
std::vector<double> shuffled(const Decoder& decoder, std::vector<bool> bits, double observed, std::size_t most,
                             std::mt19937_64& random) {
  std::vector<double> found;
  std::size_t reached = 0;
  while (found.size() < most && !(found.size() >= kFirstShuffles && reached >= 10)) {
    std::shuffle(bits.begin(), bits.end(), random);
    found.push_back(capacity(joined(bits, decoder.guess(bits)), 1e-5));
    if (found.back() >= observed) ++reached;
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Capacities, sorted, of symbols drawn again in blocks.
std::vector<double> resampled(const std::vector<bool>& bits, const std::vector<Guess>& guesses,
                              std::mt19937_64& random) {
  std::uniform_int_distribution<std::size_t> start(0, bits.size() - 1);
  std::vector<double> found(kResamples);
  for (double& one : found) {
    Counts counts(2, kGuesses);
    for (std::size_t drawn = 0; drawn < bits.size();) {
      const std::size_t block = start(random);
      for (std::size_t i = 0; i < kBlock && drawn < bits.size(); ++i, ++drawn) {
        const std::size_t symbol = (block + i) % bits.size();
        counts.add(bits[symbol] ? 1 : 0, static_cast<std::size_t>(guesses[symbol]));
      }
    }
    one = capacity(counts, 1e-5);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Estimate estimate(const std::vector<bool>& bits, const Observations& observations, double seconds, std::uint64_t seed,
                  std::size_t shuffles) {
  Estimate result;
  result.symbols = observations.symbols();
  result.symbols_per_second = 1 / seconds;
  if (result.symbols < kLeastSymbols || bits.size() != result.symbols) {
    result.high = result.symbols_per_second;
    return result;
  }
  const Decoder decoder(observations);
  const Counts picture = decoder.most_telling(bits);
  for (std::size_t bit = 0; bit < 2; ++bit) {
    result.picture.emplace_back();
    for (std::size_t bin = 0; bin < picture.outputs(); ++bin) result.picture[bit].push_back(picture.at(bit, bin));
  }
  std::mt19937_64 random(seed);
  const std::vector<Guess> guesses = decoder.guess(bits);
  result.bits_per_symbol = capacity(joined(bits, guesses));
  const std::vector<double> baseline = shuffled(decoder, bits, result.bits_per_symbol, shuffles, random);
  const auto reached = static_cast<double>(
      baseline.end() - std::lower_bound(baseline.begin(), baseline.end(), result.bits_per_symbol - 1e-9));
  result.baseline = mean(baseline);
  result.p_value = (reached + 1) / (static_cast<double>(baseline.size()) + 1);
  result.found = result.bits_per_symbol > 0 && result.p_value <= kSignificance;
  const std::vector<double> again = resampled(bits, guesses, random);
  const double middle = std::max(result.bits_per_symbol - result.baseline, 0.0);
  // The bootstrap carries the bias a second time: only its spread is used.
  const double above = std::max(quantile(again, 0.975) - mean(again), 0.0);
  const double below = std::max(mean(again) - quantile(again, 0.025), 0.0);
  // A channel that lets one symbol in n / 3 through, and no more, goes unseen in n symbols with probability 5 %.
  const double rare = 1.1 / static_cast<double>(result.symbols);
  const double unseen = std::max(quantile(baseline, 0.95) - result.baseline, rare);
  result.high = std::min(std::max(middle + above, unseen), 1.0) * result.symbols_per_second;
  if (!result.found) return result;
  result.rate = middle * result.symbols_per_second;
  result.low = std::max(middle - below, 0.0) * result.symbols_per_second;
  return result;
}

Bandwidth classify(double bits_per_second) {
  if (bits_per_second > 100) return Bandwidth::high;
  if (bits_per_second >= 1) return Bandwidth::audit;
  return bits_per_second >= 0.1 ? Bandwidth::acceptable : Bandwidth::no_audit;
}

const char* name_of(Bandwidth bandwidth) {
  switch (bandwidth) {
    case Bandwidth::no_audit:
      return "no audit";
    case Bandwidth::acceptable:
      return "acceptable";
    case Bandwidth::audit:
      return "audit";
    case Bandwidth::high:
      return "high";
  }
  return "?";
}

}  // namespace sluice::covert
