// How many bits per second a receiver could have had, and how sure that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "covert/statistics/decoder.hpp"

namespace sluice::covert {

/// Capacity of one measured channel. Rates are in bits per second.
struct Estimate {
  std::size_t symbols = 0;
  double symbols_per_second = 0;
  double bits_per_symbol = 0;  ///< plug-in estimate, the baseline not yet taken off
  double baseline = 0;         ///< mean of the same over shuffled bits
  double p_value = 1;          ///< how often shuffled bits give as much
  bool found = false;          ///< p_value at most kSignificance
  double rate = 0;             ///< estimate less baseline; 0 unless found
  double low = 0;              ///< 95 % interval of the rate; 0 unless found
  double high = 0;             ///< upper end, also where nothing was found: what so many symbols cannot rule out
  std::vector<std::vector<std::uint64_t>> picture;  ///< for each bit: symbols in each bin of the most telling value
};

/// Chance at which a useless channel is called a channel.
inline constexpr double kSignificance = 0.001;

/// The channel from `bits`, independent and fair, to `observations`, of which symbols last `seconds` each.
/// The baseline gives the same observations to bits in random orders, at most `shuffles` times: as the bits are
/// independent of everything else, it is an exact test. The interval is a block bootstrap of symbols and guesses.
/// `seed` makes it repeatable. Fewer than 64 symbols are never judged.
Estimate estimate(const std::vector<bool>& bits, const Observations& observations, double seconds,
                  std::uint64_t seed = 1, std::size_t shuffles = 1999);

/// Classes of covert-channel bandwidth in the manner of the TCSEC guide (NCSC-TG-030, 1993).
enum class Bandwidth : std::uint8_t { no_audit, acceptable, audit, high };

/// Under 0.1 bit/s, under 1, up to 100, over 100.
Bandwidth classify(double bits_per_second);
const char* name_of(Bandwidth bandwidth);

}  // namespace sluice::covert
