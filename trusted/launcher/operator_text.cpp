#include "trusted/launcher/operator_text.hpp"

#include <array>

namespace sluice::launcher {
namespace {

void append_escaped(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

struct Character {
  std::uint32_t code;
  std::size_t length;
};

/// The well-formed UTF-8 character at the front of `text`, or nothing.
std::optional<Character> decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return Character{first, 1};
  const std::size_t length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first >= 0xf5 || text.size() < length) return std::nullopt;
  std::uint32_t code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
  return Character{code, length};
}

bool harmless(std::uint32_t code) {
  if (code == '\t') return true;
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;
  if (code >= 0x200b && code <= 0x200f) return false;  // zero width, direction marks
  if (code >= 0x2028 && code <= 0x202e) return false;  // separators, embeddings and overrides
  if (code >= 0x2060 && code <= 0x206f) return false;  // invisible operators, isolates
  return code != 0x061c && code != 0xfeff && !(code >= 0xe0000 && code < 0xe0080);
}

}  // namespace

std::string sanitise(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto character = decode(text);
    const std::size_t length = character ? character->length : 1;
    if (character && harmless(character->code)) {
      out.append(text.substr(0, length));
    } else {
      append_escaped(out, text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string line_tag(std::string_view label, std::string_view name, std::optional<std::uint32_t> rank) {
  std::string out = "[";
  out.append(label).append(" ").append(name);
  if (rank) out.append(":").append(std::to_string(*rank));
  return out.append("] ");
}

std::string hexadecimal(std::span<const unsigned char> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::string json_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append("\\").push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr std::string_view digits = "0123456789abcdef";
      out.append("\\u00").push_back(digits[static_cast<unsigned char>(c) >> 4]);
      out.push_back(digits[c & 15]);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace sluice::launcher
