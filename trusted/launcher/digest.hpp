// SHA-256 (FIPS 180-4) as text.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sluice::launcher {

/// 64 hexadecimal digits; empty if the library fails.
std::string sha256(std::string_view text);

/// The same of a file's contents; empty if it cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace sluice::launcher
