// From a subject's bytes to a line on the operator's terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::launcher {

/// `text` with everything made visible that could move the cursor, change the terminal or reorder the line: control
/// characters but tab, bytes that are not UTF-8, Unicode's C1 controls, line separators and direction overrides. They
/// show as \xNN. So no subject can write a line that looks like another's.
std::string sanitise(std::string_view text);

/// What a line begins with: `[LABEL name:rank] ` or, for what no rank wrote, `[LABEL name] `.
std::string line_tag(std::string_view label, std::string_view name, std::optional<std::uint32_t> rank);

/// Two digits for each byte.
std::string hexadecimal(std::span<const unsigned char> bytes);

/// Text as the inside of a JSON string.
std::string json_text(std::string_view text);

}  // namespace sluice::launcher
