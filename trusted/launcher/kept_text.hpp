// One file of a subject's output, put together from the lines of several writers.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::launcher {

/// No line of one writer is mixed with another's. Bytes stay as they are; each line begins with its writer's prefix.
class KeptText {
 public:
  /// Appends to `out` a line of `writer`, or a part of one if it has not `ended`. A part is followed by the rest of the
  /// line, unless another writer comes in between: then the line is cut, and its rest is a line of its own.
  void add(std::string& out, std::size_t writer, std::string_view prefix, std::string_view text, bool ended);

  /// Ends a line that is open.
  void finish(std::string& out);

 private:
  std::optional<std::size_t> open_;  ///< whose line has begun and not ended
};

}  // namespace sluice::launcher
