// The way up from low to high, as the attacks on it use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "covert/attack/attack.hpp"

namespace sluice::covert {

/// A flow from the low role to the high role. The two look at it from their own ends only.
class Upward {
 public:
  Upward() = default;
  Upward(const Upward&) = delete;
  Upward& operator=(const Upward&) = delete;
  virtual ~Upward() = default;

  /// Opens this role's end, once. Empty, or what went wrong.
  virtual std::string open() = 0;

  /// Puts `bytes` (at most kMostBytes) in; false if there is no room. From the high role they go further up, to a third
  /// subject that takes everything; in the control they go the same way as the low role's.
  virtual bool put(std::uint32_t bytes) = 0;
  /// Low: bytes put in that nobody has taken yet, as far as this end can tell.
  virtual std::uint64_t backlog() = 0;
  /// Low: whether a word beside the ring that somebody else writes is set.
  virtual bool flag() = 0;

  /// High: writes over what it has put in last, while others may be reading that.
  virtual void spoil() = 0;

  /// High: takes everything that has come. Returns how many pieces.
  virtual std::size_t drain() = 0;

  /// This role's end of the flow's memory, at least a page: writable for the low role, read-only for the high one.
  virtual std::byte* memory() = 0;
  /// The descriptor of that memory.
  virtual int descriptor() = 0;

  static constexpr std::uint32_t kMostBytes = 8192;
};

/// A flow through the guard: this process is a rank of its subject, without the library.
std::unique_ptr<Upward> through_guard(Role role);

/// The positive control: a named pipe in `folder`, as people couple programs who know nothing of levels. What the
/// reader does shows at the writer's end. Beside it a file that the writer maps writable and the reader read-only.
std::unique_ptr<Upward> through_pipe(Role role, const std::string& folder);

}  // namespace sluice::covert
