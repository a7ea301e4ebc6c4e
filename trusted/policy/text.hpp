// Small text helpers: characters safe to print, cutting to a field, sizes, columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

/// Bytes of the well-formed UTF-8 character at the start of `text`; 0 if there is none.
std::size_t utf8_bytes(std::string_view text) noexcept;

/// `text` with control characters and what is not UTF-8 written as \xNN, so that it cannot steer a terminal.
std::string printable(std::string_view text);

/// `text`, or as much of it as fits `field` bytes with a terminating zero, then ending in "...".
std::string clip(std::string_view text, std::size_t field);

/// One word for a shell: quoted where that is needed.
std::string shell_word(std::string_view word);

/// Decimal number without sign; nothing if `text` is something else or exceeds `most`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) noexcept;

/// Bytes: a number, alone or with KiB, MiB or GiB. Nothing if `text` is something else or does not fit.
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

/// The shortest text that parse_size() reads back: "256MiB", "1536KiB", "1000001".
std::string print_size(std::uint64_t bytes);

/// Rows in columns, each as wide as its widest cell, two spaces between them, `indent` spaces before.
std::string columns(const std::vector<std::vector<std::string>>& rows, std::size_t indent = 2);

}  // namespace sluice::policy
