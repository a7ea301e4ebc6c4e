// Cuts a stream of bytes into lines.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::launcher {

/// Holds at most one line, of at most kMaxLine bytes. What is longer comes in parts.
class LineSplitter {
 public:
  static constexpr std::size_t kMaxLine = 65536;

  /// Takes more bytes and calls `sink(text, ended)` for each whole line, and for each part of a line that is too long:
  /// `text` is without the newline, `ended` says whether there was one. The text is good during the call only.
  template <typename Sink>
  void feed(std::string_view bytes, const Sink& sink) {
    while (!bytes.empty()) {
      const std::size_t newline = bytes.find('\n');
      const std::size_t take = std::min({newline, bytes.size(), kMaxLine - open_.size()});
      const bool ended = take == newline;
      open_.append(bytes.substr(0, take));
      bytes.remove_prefix(take + (ended ? 1 : 0));
      if (!ended && open_.size() < kMaxLine) continue;
      sink(std::string_view(open_), ended);
      open_.clear();
    }
  }

  /// Gives what is left at the end of the stream, a line without a newline.
  template <typename Sink>
  void finish(const Sink& sink) {
    if (!open_.empty()) sink(std::string_view(open_), false);
    open_.clear();
  }

 private:
  std::string open_;
};

}  // namespace sluice::launcher
