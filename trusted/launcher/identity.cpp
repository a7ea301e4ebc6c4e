#include "trusted/launcher/identity.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace sluice::launcher {
namespace {

bool has_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (syscall(SYS_capget, &header, data.data()) != 0) return false;
  constexpr std::array<unsigned, 5> needed = {CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_CHOWN, CAP_KILL};
  for (const unsigned capability : needed) {
    if ((data[capability / 32].effective & (1u << (capability % 32))) == 0) return false;
  }
  return true;
}

}  // namespace

Identities Identities::of_this_run() {
  Identities result;
  result.distinct_ = geteuid() == 0 && has_capabilities();
  std::uint16_t draw = 0;
  if (getrandom(&draw, sizeof draw, 0) != sizeof draw) draw = static_cast<std::uint16_t>(getpid());
  result.base_ = result.distinct_ ? kFirst + draw * kBlock : geteuid();
  return result;
}

bool become(uid_t id) noexcept {
  return setgroups(0, nullptr) == 0 && setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0;
}

}  // namespace sluice::launcher
