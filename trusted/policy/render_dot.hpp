// Runs Graphviz.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "trusted/base/result.hpp"

namespace sluice::policy {

enum class RenderError {
  missing,    ///< `dot` is not installed (Debian package graphviz)
  failed,     ///< it could not be run, or ended with an error
  timed_out,  ///< it did not end in time and was killed
};

/// SVG of a picture in the DOT language.
Result<std::string, RenderError> render_svg(const std::string& dot);

/// What `command` writes to its standard output, given `input`. The program is searched as find_program() does.
Result<std::string, RenderError> filter(const std::vector<std::string>& command, const std::string& input,
                                        std::chrono::milliseconds limit);

/// One sentence for people.
std::string describe(RenderError error);

}  // namespace sluice::policy
