#include "trusted/sandbox/host_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "trusted/sandbox/probe.hpp"

namespace sluice::sandbox {
namespace {

TEST(HostCheck, MissingGuardIsNamedAndMended) {
  const auto checks = check_host(CheckDepth::before_a_run,
                                 {"/nonexistent/sluice-guard", "/nonexistent/sluice-rank", "/nonexistent/sluice-mirror",
                                  "/nonexistent/sluice-confine", "/nonexistent"});
  const auto guard =
      std::find_if(checks.begin(), checks.end(), [](const Check& check) { return check.name == "guard"; });
  ASSERT_NE(guard, checks.end());
  EXPECT_EQ(guard->verdict, Verdict::missing);
  EXPECT_FALSE(guard->mend.empty());
  EXPECT_FALSE(is_fit(checks));
}

TEST(HostCheck, DegradedIsFit) {
  EXPECT_TRUE(is_fit({{"a", Verdict::ok, "", ""}, {"b", Verdict::degraded, "", ""}}));
  EXPECT_FALSE(is_fit({{"a", Verdict::ok, "", ""}, {"b", Verdict::missing, "", ""}}));
}

TEST(HostCheck, KernelWithoutLandlockIsFitAndToldHowToHaveIt) {
  const Check none = landlock_check(0);
  EXPECT_EQ(none.verdict, Verdict::degraded);
  EXPECT_NE(none.mend.find("CONFIG_SECURITY_LANDLOCK"), std::string::npos);
  EXPECT_TRUE(is_fit({none}));
  EXPECT_EQ(landlock_check(7).verdict, Verdict::ok);
}

TEST(HostCheck, WhatIsNotOkSaysMore) {
  for (const Check& check : check_host(CheckDepth::everything,
                                       {"/nonexistent/sluice-guard", "/nonexistent/sluice-rank",
                                        "/nonexistent/sluice-mirror", "/nonexistent/sluice-confine", "/nonexistent"})) {
    if (check.verdict != Verdict::ok) {
      EXPECT_FALSE(check.detail.empty()) << check.name;
    }
  }
}

TEST(Probe, ReportsErrorsAndSignals) {
  EXPECT_EQ(try_in_child([] { return 0; }), 0);
  EXPECT_EQ(try_in_child([] { return ENOTSUP; }), ENOTSUP);
  EXPECT_EQ(try_in_child([]() -> int { abort(); }), EINTR);
}

TEST(Probe, RunsCommands) {
  const Output good = run_command({"/bin/echo", "hello"});
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(good.line, "hello");
  EXPECT_EQ(run_command({"/nonexistent"}).status, 127);
}

}  // namespace
}  // namespace sluice::sandbox
