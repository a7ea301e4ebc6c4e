// Small things that many attacks need.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "covert/attack/attack.hpp"

namespace sluice::covert {

/// Sleeps until `time`. Returns at once if it has passed.
void sleep_until(Time time);

/// "EPERM (what)", of the errno as it is now.
std::string refusal(const std::string& what);

/// Middle of the values; 0 if there are none.
double median(std::vector<double> values);

/// Microseconds from `begin` to now.
double microseconds_since(Time begin);

/// Whole text of a file, at most 1 MiB; empty if it cannot be read.
std::string text_of(const std::string& path);

/// A file below /usr that everybody has and nothing maps by itself.
inline constexpr char kSystemFile[] = "/usr/share/common-licenses/GPL-3";

/// First page of a file, mapped shared and read-only.
class MappedPage {
 public:
  MappedPage() = default;
  MappedPage(const MappedPage&) = delete;
  MappedPage& operator=(const MappedPage&) = delete;
  ~MappedPage() { unmap(); }

  /// Maps it and, if `touched`, reads it. Empty, or what went wrong.
  std::string map(const std::string& path, bool touched = true);
  void unmap();
  [[nodiscard]] const std::byte* bytes() const { return bytes_; }

 private:
  const std::byte* bytes_ = nullptr;
};

/// An attack in which bit 1 is that something is there, and bit 0 that it is not.
struct Parts {
  std::function<std::string()> prepare;  ///< may be empty
  std::function<void()> put;             ///< high: makes it
  std::function<void()> take;            ///< high: removes it again
  std::function<double()> look;          ///< low: a number that should differ
};
std::unique_ptr<Attack> presence(Parts parts);

}  // namespace sluice::covert
