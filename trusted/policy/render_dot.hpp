// Runs Graphviz.
#pragma once

#include <chrono>
#include <string>

#include "trusted/base/result.hpp"

namespace sluice::policy {

enum class RenderError {
  missing,    ///< `dot` is not installed (Debian package graphviz)
  failed,     ///< it could not be run, or ended with an error
  timed_out,  ///< it did not end in time and was killed
};

/// SVG of a picture in the DOT language. `program` is searched as find_program() does.
Result<std::string, RenderError> render_svg(const std::string& dot, const char* program = "dot",
                                            std::chrono::seconds limit = std::chrono::seconds(60));

/// One sentence for people.
std::string describe(RenderError error);

}  // namespace sluice::policy
