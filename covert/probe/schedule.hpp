// When which means sends how many symbols, and which bits: agreed before either role starts.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "covert/attack/attack.hpp"

namespace sluice::covert {

/// One means at work for some time. Without symbols it is only prepared.
struct Item {
  const Means* means = nullptr;
  std::size_t symbols = 0;
  std::chrono::microseconds slot{};
};

/// NAME:SYMBOLS:SLOT, the slot in microseconds.
std::string text_of(const Item& item);
std::optional<Item> parse_item(const std::string& text);

/// Before each item: for what the one before leaves behind, and for its own preparation.
inline constexpr std::chrono::milliseconds kPause{150};

/// How long all items take.
std::chrono::microseconds duration(const std::vector<Item>& items);

/// The secret: independent fair bits. Only the high role and the judge have the seed.
std::vector<bool> secret_bits(std::uint64_t seed, const Item& item);

}  // namespace sluice::covert
