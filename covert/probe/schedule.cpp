#include "covert/probe/schedule.hpp"

#include <charconv>
#include <random>

namespace sluice::covert {

std::string text_of(const Item& item) {
  return std::string(item.means->name) + ":" + std::to_string(item.symbols) + ":" + std::to_string(item.slot.count());
}

std::optional<Item> parse_item(const std::string& text) {
  const std::size_t first = text.find(':');
  const std::size_t second = text.find(':', first == std::string::npos ? first : first + 1);
  if (second == std::string::npos) return std::nullopt;
  Item item;
  item.means = find_means(text.substr(0, first));
  std::int64_t slot = 0;
  const char* end = text.data() + text.size();
  const auto symbols = std::from_chars(text.data() + first + 1, text.data() + second, item.symbols);
  const auto rest = std::from_chars(text.data() + second + 1, end, slot);
  const bool whole = symbols.ptr == text.data() + second && rest.ptr == end;
  if (item.means == nullptr || !whole || symbols.ec != std::errc() || rest.ec != std::errc() || slot <= 0) {
    return std::nullopt;
  }
  item.slot = std::chrono::microseconds(slot);
  return item;
}

std::chrono::microseconds duration(const std::vector<Item>& items) {
  std::chrono::microseconds sum{0};
  for (const Item& item : items) {
    if (item.symbols != 0) sum += item.slot * static_cast<std::int64_t>(item.symbols) + kPause;
  }
  return sum;
}

std::vector<bool> secret_bits(std::uint64_t seed, const Item& item) {
  // FNV-1a: no two items of a run have the same bits.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char letter : text_of(item)) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ULL;
  std::mt19937_64 random(seed ^ hash);
  std::vector<bool> bits(item.symbols);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = (random() >> 33 & 1) != 0;
  return bits;
}

}  // namespace sluice::covert
