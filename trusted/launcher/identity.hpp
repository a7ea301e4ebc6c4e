// Which user each part of a run is, outside its sandbox.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace sluice::launcher {

/// With the privilege for it, every subject of every run, and every guard, is a host user of its own, so that limits,
/// credentials and signals are apart even where namespaces are not. The numbers belong to nobody.
class Identities {
 public:
  /// Looks at the process's own privilege, and draws a random block of users for this run.
  static Identities of_this_run();

  /// True if started with the privilege to take other users' identities.
  [[nodiscard]] bool distinct() const noexcept { return distinct_; }
  /// User of subject `index`; without the privilege, the invoking user.
  [[nodiscard]] uid_t subject(std::size_t index) const noexcept {
    return distinct_ ? base_ + static_cast<uid_t>(index) : base_;
  }
  [[nodiscard]] uid_t guard() const noexcept { return distinct_ ? base_ + kGuard : base_; }

 private:
  static constexpr uid_t kFirst = 2'000'000'000;
  static constexpr uid_t kBlock = 256;
  static constexpr uid_t kGuard = kBlock - 1;
  bool distinct_ = false;
  uid_t base_ = 0;
};

/// In a child process: takes user and group `id`, and no other groups. False if that failed.
bool become(uid_t id) noexcept;

}  // namespace sluice::launcher
