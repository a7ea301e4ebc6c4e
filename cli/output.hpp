// Where commands print, and how they report what was refused.
#pragma once

#include <string>
#include <string_view>

#include "trusted/policy/policy.hpp"
#include "trusted/policy/report.hpp"

namespace sluice::cli {

/// Colours only where standard output is a terminal and NO_COLOR is not set (https://no-color.org).
policy::Colour colour();

/// Prints to standard output; kExitOk, or kExitMissing if it cannot be written.
int print(std::string_view text);

/// Reports why a policy was not loaded, to standard error, or as JSON to standard output; kExitMistakes or
/// kExitMissing.
int refuse(const policy::Refusal& refusal, const std::string& file, bool json);

/// Prints "sluice: MESSAGE" to standard error and returns `exit_code`.
int fail(std::string_view message, int exit_code);

}  // namespace sluice::cli
