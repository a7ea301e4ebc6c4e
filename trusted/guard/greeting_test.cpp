#include "trusted/guard/greeting.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>

namespace sluice::guard {
namespace {

struct Pair {
  Pair() {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    guard.reset(pair[0]);
    rank.reset(pair[1]);
  }
  Greeting after(const void* packet, std::size_t bytes) const {
    EXPECT_EQ(::send(rank.get(), packet, bytes, 0), static_cast<ssize_t>(bytes));
    return read_greeting(guard);
  }
  Fd guard;
  Fd rank;
};

constexpr wire::Hello kHello{wire::kGreetingMagic, wire::kProtocolVersion, 1, 3};

TEST(Greeting, ReadsAHelloAndNothingElse) {
  Pair gone;
  gone.rank.reset();
  EXPECT_EQ(read_greeting(gone.guard).kind, Greeting::Kind::ended);
  const Pair silent;
  EXPECT_EQ(read_greeting(silent.guard).kind, Greeting::Kind::nothing);
  const Greeting good = Pair().after(&kHello, sizeof kHello);
  EXPECT_EQ(good.kind, Greeting::Kind::hello);
  EXPECT_EQ(good.hello.host_rank, 1U);
  EXPECT_EQ(Pair().after(&kHello, sizeof kHello - 1).kind, Greeting::Kind::broken);
  char longer[sizeof kHello + 100] = {};
  std::memcpy(longer, &kHello, sizeof kHello);
  EXPECT_EQ(Pair().after(longer, sizeof kHello + 1).kind, Greeting::Kind::broken);
  EXPECT_EQ(Pair().after(longer, sizeof longer).kind, Greeting::Kind::broken);
  auto forged = kHello;
  forged.magic ^= 1;
  EXPECT_EQ(Pair().after(&forged, sizeof forged).kind, Greeting::Kind::broken);
}

TEST(Greeting, JudgesEachField) {
  const bool taken[] = {true, false, false};
  EXPECT_EQ(judge(kHello, taken), wire::GreetingVerdict::welcome);
  auto hello = kHello;
  hello.version += 1;
  EXPECT_EQ(judge(hello, taken), wire::GreetingVerdict::wrong_version);
  hello = kHello;
  hello.host_size = 4;
  EXPECT_EQ(judge(hello, taken), wire::GreetingVerdict::wrong_size);
  hello = kHello;
  hello.host_rank = 3;
  EXPECT_EQ(judge(hello, taken), wire::GreetingVerdict::no_such_rank);
  hello.host_rank = 0xffffffff;
  EXPECT_EQ(judge(hello, taken), wire::GreetingVerdict::no_such_rank);
  hello.host_rank = 0;
  EXPECT_EQ(judge(hello, taken), wire::GreetingVerdict::rank_taken);
}

TEST(Greeting, EveryRefusalHasANameForTheOperator) {
  for (std::uint32_t verdict = 1; verdict <= 7; ++verdict) {
    const Misbehaviour named = misbehaviour_of(static_cast<wire::GreetingVerdict>(verdict));
    EXPECT_NE(named, Misbehaviour::none);
    EXPECT_GT(std::strlen(describe(named)), 10U);
    EXPECT_LT(std::strlen(describe(named)), sizeof(Event::text));
  }
}

}  // namespace
}  // namespace sluice::guard
