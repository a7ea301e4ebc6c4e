// A report for a terminal, for programs, and for a browser.
#pragma once

#include <string>

#include "covert/kit/campaign.hpp"

namespace sluice::covert {

/// One line for each means, and what the columns mean. Plain text.
std::string as_table(const Report& report);

/// One JSON object; docs/covert.md names its fields.
std::string as_json(const Report& report);

/// One HTML page that loads nothing: the table, a chart of all rates, and what the receiver saw for each bit.
std::string as_html(const Report& report);

/// A rate for people: "0 (< 1.2)", "34.1 [30, 38]"; or why there is none: "refused", "-".
std::string as_text(const Outcome& outcome);

}  // namespace sluice::covert
