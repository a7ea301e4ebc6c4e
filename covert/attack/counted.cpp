#include "covert/attack/counted.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "covert/attack/tools.hpp"

namespace sluice::covert {

namespace {

/// This thread without effective capabilities while it lives. In a sandbox there are none anyway.
class Unprivileged {
 public:
  Unprivileged() {
    if (::syscall(SYS_capget, &header_, before_.data()) != 0) return;
    auto none = before_;
    for (__user_cap_data_struct& part : none) part.effective = 0;
    changed_ = ::syscall(SYS_capset, &header_, none.data()) == 0;
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
  ~Unprivileged() {
    if (changed_) ::syscall(SYS_capset, &header_, before_.data());
  }

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> before_{};
  bool changed_ = false;
};

class UsedUp : public Attack {
 public:
  explicit UsedUp(Counted means) : means_(std::move(means)) {}
  ~UsedUp() override {
    for (; held_ > 0; --held_) means_.give();
  }

  std::string prepare() override { return means_.prepare ? means_.prepare() : std::string(); }

  void send(bool bit, Time until) override {
    {
      const auto plain = plainly();
      const int wanted = bit ? means_.most : std::max(most_held_ - kGivenBack, 0);
      while (held_ < wanted && means_.take()) ++held_;
      most_held_ = std::max(most_held_, held_);
      for (; held_ > wanted; --held_) means_.give();
    }
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    {
      const auto plain = plainly();
      means_.look(seen);
    }
    sleep_until(until);
  }

 private:
  static constexpr int kGivenBack = 4;

  [[nodiscard]] std::unique_ptr<Unprivileged> plainly() const {
    return means_.unprivileged ? std::make_unique<Unprivileged>() : nullptr;
  }

  Counted means_;
  int held_ = 0;
  int most_held_ = 0;
};

}  // namespace

std::unique_ptr<Attack> counted(Counted means) { return std::make_unique<UsedUp>(std::move(means)); }

}  // namespace sluice::covert
