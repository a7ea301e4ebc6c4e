// What every attack is made of: a sender on the high side that wants to leak, a receiver on the low side that wants to
// hear. README.md says how to add one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::covert {

/// Both sides go by the host's clock; a time namespace does not shift it.
using Clock = std::chrono::system_clock;
using Time = Clock::time_point;

enum class Role : std::uint8_t { low, high };

/// A storage channel changes something that stays until it is read; a timing channel changes how long something takes.
enum class Kind : std::uint8_t { storage, timing };

class Upward;

/// Where a role runs.
struct Place {
  Role role = Role::low;
  bool open = false;         ///< the positive control: no sandbox, no guard
  std::string own;           ///< folder that this role may write
  std::string common;        ///< folder that both may write; in the positive control only
  std::string shared;        ///< file that both may read, by a grant of the policy
  std::string token;         ///< for the names of what both look for
  Upward* upward = nullptr;  ///< the flow from low to high; null where there is none
};

/// One means of one class. Both roles make one; each calls prepare(), then send() or observe() once for each symbol.
class Attack {
 public:
  Attack() = default;
  Attack(const Attack&) = delete;
  Attack& operator=(const Attack&) = delete;
  virtual ~Attack() = default;

  /// Gets what this role needs. Empty, or why it cannot be had: best the name of an errno and the call that gave it.
  /// Looks for nothing that the other role makes: that may come later.
  virtual std::string prepare() = 0;

  /// High: shows `bit` until about `until`, and leaves nothing of it behind.
  virtual void send(bool bit, Time until) = 0;

  /// Low: appends what it sees, the same number of values each time, and returns at about `until`. Values should not
  /// say more than a hostile receiver could know; times in microseconds.
  virtual void observe(Time until, std::vector<double>& seen) = 0;
};

/// One line of the list of means.
struct Means {
  int number;         ///< of the class
  const char* name;   ///< unique; letters, digits, _
  const char* what;   ///< what the sender does and the receiver looks at
  const char* needs;  ///< what the two must have in common for it to work
  Kind kind;
  std::chrono::microseconds slot;  ///< for one symbol
  bool needs_flow;                 ///< makes no sense without a flow from low to high
  std::unique_ptr<Attack> (*make)(const Place& place);
  bool sends_on = false;  ///< the high role has a flow of its own to a third subject
};

/// Every means, by class.
const std::vector<Means>& all_means();

/// The means of this name, or null.
const Means* find_means(const std::string& name);

/// What a class is about, in a few words. Empty if there is no such class.
const char* title_of_class(int number);

}  // namespace sluice::covert
