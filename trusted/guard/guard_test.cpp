// A whole guard in this process, with ranks that speak the wire contracts directly.
#include "trusted/guard/guard.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <random>
#include <string>

#include "tests/support/raw_rank.hpp"

namespace sluice::guard {
namespace {

using testing::RawRank;

/// low (2 ranks) -> high (2 ranks), and `apart`, which has no flow.
table::RunTable make_table(std::uint64_t queue_bytes) {
  table::RunTable table;
  table.subjects = {{.name = "low", .label = "UNCLASSIFIED", .first_rank = 0, .rank_count = 2},
                    {.name = "high", .label = "SECRET", .first_rank = 2, .rank_count = 2},
                    {.name = "apart", .label = "SECRET", .first_rank = 4, .rank_count = 1}};
  table.flows = {{.from = 0, .to = 1, .queue_bytes = queue_bytes, .policy_line = 1, .downgrade = ""}};
  table.decisions.resize(9);
  for (std::size_t i = 0; i < 9; ++i) {
    const bool allowed = i == 1 || i % 4 == 0;
    table.decisions[i] = {.allowed = allowed, .policy_line = 1, .reason = "reason", .hint = allowed ? "" : "hint"};
  }
  return table;
}

/// The guard's threads outlive a test, so nothing here is ever freed; the pointers keep it reachable.
class RunningGuard {
 public:
  explicit RunningGuard(std::uint64_t queue_bytes = wire::kMinQueueBytes) {
    static int runs = 0;
    name_ = "@sluice-guard-test-" + std::to_string(::getpid()) + "-" + std::to_string(runs++);
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    events_ = pair[0];
    reporter_ = new Reporter(pair[1]);
    statistics_ = new Statistics{};
    std::vector<Fd> listeners;
    for (int subject = 0; subject < 3; ++subject) listeners.push_back(listen(socket_of(subject)));
    auto guard = Guard::create(make_table(queue_bytes), std::move(listeners), {}, std::vector<uid_t>(3, ::getuid()),
                               *statistics_, *reporter_);
    EXPECT_TRUE(guard.ok());
    guard_ = kept(std::move(guard).value().release());
    EXPECT_TRUE(guard_->start());
  }

  [[nodiscard]] std::string socket_of(int subject) const { return name_ + "-" + std::to_string(subject); }
  Guard& guard() { return *guard_; }
  Statistics& statistics() { return *statistics_; }

  /// Next event that is not about a rank's coming and going; kind 0 after `timeout_ms`.
  Event incident(int timeout_ms = 5000) const {
    for (;;) {
      pollfd polled{events_, POLLIN, 0};
      Event event{};
      if (::poll(&polled, 1, timeout_ms) != 1) return event;
      EXPECT_EQ(::recv(events_, &event, sizeof event, 0), static_cast<ssize_t>(sizeof event));
      if (event.kind != EventKind::rank_up && event.kind != EventKind::rank_ended) return event;
    }
  }

 private:
  static Guard* kept(Guard* guard) {
    static auto* all = new std::vector<Guard*>;
    return all->emplace_back(guard);
  }

  static Fd listen(const std::string& name) {
    Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd.get(), 64), 0);
    return fd;
  }

  std::string name_;
  int events_ = -1;
  Reporter* reporter_ = nullptr;
  Statistics* statistics_ = nullptr;
  Guard* guard_ = nullptr;
};

struct Job {
  explicit Job(RunningGuard& guard) {
    for (std::uint32_t rank = 0; rank < 2; ++rank) {
      EXPECT_EQ(low[rank].join(guard.socket_of(0), rank, 2), wire::GreetingVerdict::welcome);
      high[rank].own_rank_in_subject_ = rank;
      EXPECT_EQ(high[rank].join(guard.socket_of(1), rank, 2), wire::GreetingVerdict::welcome);
    }
  }
  RawRank low[2];
  RawRank high[2];
};

TEST(Guard, CarriesMessagesToTheRightRankWithTheTrueSource) {
  RunningGuard guard;
  Job job(guard);
  const std::string text = "to high 1";
  ASSERT_TRUE(job.low[1].send(1, 42, text.data(), text.size()));
  const auto received = job.high[1].receive(0);
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->header.endpoint, 1U);
  EXPECT_EQ(received->header.tag, 42);
  EXPECT_EQ(received->header.extent, text.size());
  EXPECT_EQ(std::memcmp(received->payload.data(), text.data(), text.size()), 0);
  EXPECT_FALSE(job.high[0].receive(0, 50).has_value()) << "the other rank got it too";
  EXPECT_EQ(guard.statistics().flow[0].messages.load(), 1U);
}

TEST(Guard, GivesASubjectOnlyWhatItsTableNames) {
  RunningGuard guard;
  Job job(guard);
  EXPECT_EQ(job.low[0].descriptors().size(), wire::kFixedDescriptors) << "a sender got a mailbox";
  EXPECT_EQ(job.high[0].descriptors().size(), wire::kFixedDescriptors + 1);
  EXPECT_EQ(job.low[0].table()->self, 0U);
  RawRank apart;
  EXPECT_EQ(apart.join(guard.socket_of(2), 0, 1), wire::GreetingVerdict::welcome);
  EXPECT_EQ(apart.descriptors().size(), wire::kFixedDescriptors);
  ASSERT_TRUE(apart.send(0, 0, "x", 1));
  const Event event = guard.incident();
  EXPECT_EQ(event.kind, EventKind::misbehaved);
  EXPECT_EQ(event.subject, 2U);
  EXPECT_EQ(event.misbehaviour, Misbehaviour::unknown_capability);
}

TEST(Guard, LargeMessagesFlowWhileTheyAreWrittenThroughASmallQueue) {
  RunningGuard guard(std::uint64_t{64} << 20);
  Job job(guard);
  std::vector<std::byte> data(std::size_t{24} << 20);
  std::mt19937 random(1);
  for (auto& byte : data) byte = static_cast<std::byte>(random());
  std::thread sender([&] { EXPECT_TRUE(job.low[0].send(0, 1, data.data(), data.size())); });
  std::vector<std::byte> got;
  while (got.size() < data.size()) {
    const auto part = job.high[0].receive(0);
    ASSERT_TRUE(part.has_value());
    got.insert(got.end(), part->payload.begin(), part->payload.end());
  }
  sender.join();
  EXPECT_EQ(got, data);
}

TEST(Guard, AFullQueueEndsTheReceiverAndNeverHoldsUpTheSender) {
  RunningGuard guard;
  Job job(guard);
  const std::vector<std::byte> data(std::size_t{8} << 20);
  EXPECT_TRUE(job.low[0].send(0, 1, data.data(), data.size())) << "the sender was held up";
  const Event event = guard.incident();
  EXPECT_EQ(event.kind, EventKind::queue_full);
  EXPECT_EQ(event.subject, 1U);
  EXPECT_TRUE(job.low[0].send(0, 2, data.data(), data.size())) << "a broken flow shows at the sender";
}

TEST(Guard, DeathOfASenderIsToldAfterItsLastMessageAndOnlyUpwards) {
  RunningGuard guard;
  Job job(guard);
  ASSERT_TRUE(job.low[0].send(0, 7, "last", 4));
  job.low[0].hang_up();
  const auto last = job.high[0].receive(0);
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->header.tag, 7);
  const auto ended = job.high[0].receive(0);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->header.kind, wire::FrameKind::sender_ended);
  EXPECT_EQ(ended->header.endpoint, 0U);
  EXPECT_EQ(ended->header.extent, 0U);
  const auto at_other = job.high[1].receive(0);
  ASSERT_TRUE(at_other.has_value());
  EXPECT_EQ(at_other->header.kind, wire::FrameKind::sender_ended);

  job.high[0].hang_up();
  job.high[1].hang_up();
  guard.guard().subject_ended(1);
  EXPECT_FALSE(job.low[1].dropped(200)) << "the sender saw its receivers end";
  EXPECT_TRUE(job.low[1].send(0, 8, "still", 5));
}

TEST(Guard, AMessageCutShortIsToldSo) {
  RunningGuard guard;
  Job job(guard);
  wire::FrameHeader start{};
  start.kind = wire::FrameKind::message_start;
  start.payload = 4;
  start.endpoint = 0;
  start.extent = 100;
  ASSERT_TRUE(job.low[0].publish(start, "part", 4));
  job.low[0].hang_up();
  ASSERT_TRUE(job.high[0].receive(0).has_value());
  const auto ended = job.high[0].receive(0);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->header.kind, wire::FrameKind::sender_ended);
  EXPECT_EQ(ended->header.extent, 1U);
}

TEST(Guard, RanksThatNeverConnectedEndWithTheirSubject) {
  RunningGuard guard;
  RawRank high;
  ASSERT_EQ(high.join(guard.socket_of(1), 0, 2), wire::GreetingVerdict::welcome);
  guard.guard().subject_ended(0);
  for (std::uint32_t rank = 0; rank < 2; ++rank) {
    const auto ended = high.receive(0);
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->header.kind, wire::FrameKind::sender_ended);
    EXPECT_EQ(ended->header.endpoint, rank);
  }
}

struct Forgery {
  const char* name;
  wire::FrameHeader header;
  Misbehaviour expected;
};

wire::FrameHeader forged(wire::FrameKind kind, std::uint32_t payload, std::uint32_t endpoint, std::uint64_t extent) {
  wire::FrameHeader header{};
  header.kind = kind;
  header.payload = payload;
  header.endpoint = endpoint;
  header.extent = extent;
  return header;
}

class GuardForgery : public ::testing::TestWithParam<Forgery> {};

TEST_P(GuardForgery, EndsTheSenderNamesTheMisbehaviourAndHarmsNobodyElse) {
  RunningGuard guard;
  Job job(guard);
  ASSERT_TRUE(job.low[0].publish(GetParam().header, nullptr, 0));
  const Event event = guard.incident();
  EXPECT_EQ(event.kind, EventKind::misbehaved);
  EXPECT_EQ(event.subject, 0U);
  EXPECT_EQ(event.misbehaviour, GetParam().expected) << event.text;
  EXPECT_TRUE(job.low[0].dropped());
  EXPECT_TRUE(job.low[1].dropped()) << "the whole subject ends";
  EXPECT_FALSE(job.high[0].dropped(50)) << "the receiver was harmed";
  const auto told = job.high[0].receive(0);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->header.kind, wire::FrameKind::sender_ended);
}

INSTANTIATE_TEST_SUITE_P(
    All, GuardForgery,
    ::testing::Values(
        Forgery{"kind", forged(static_cast<wire::FrameKind>(9), 0, 0, 0), Misbehaviour::unknown_frame_kind},
        Forgery{"ended", forged(wire::FrameKind::sender_ended, 0, 0, 0), Misbehaviour::unknown_frame_kind},
        Forgery{"segment", forged(wire::FrameKind::next_segment, 0, 1, 0), Misbehaviour::unknown_frame_kind},
        Forgery{"length", forged(wire::FrameKind::message_start, 0x7fffffff, 0, 0x7fffffff),
                Misbehaviour::oversized_fragment},
        Forgery{"capability", forged(wire::FrameKind::message_start, 0, 2, 0), Misbehaviour::unknown_capability},
        Forgery{"total", forged(wire::FrameKind::message_start, 1, 0, ~std::uint64_t{0}),
                Misbehaviour::oversized_message},
        Forgery{"part", forged(wire::FrameKind::message_part, 1, 0, 0), Misbehaviour::broken_message}),
    [](const auto& forgery) { return std::string(forgery.param.name); });

TEST(Guard, GreetingMisbehaviourEndsTheSubject) {
  const auto verdict_of = [](const wire::Hello& hello, std::size_t bytes) {
    RunningGuard guard;
    Job job(guard);
    RawRank intruder;
    EXPECT_TRUE(intruder.connect(guard.socket_of(0)));
    EXPECT_TRUE(intruder.say(&hello, bytes));
    const Event event = guard.incident();
    EXPECT_EQ(event.kind, EventKind::misbehaved);
    EXPECT_EQ(event.subject, 0U);
    EXPECT_FALSE(job.high[0].dropped(20));
    return event.misbehaviour;
  };
  const wire::Hello again{wire::kGreetingMagic, wire::kProtocolVersion, 0, 2};
  EXPECT_EQ(verdict_of(again, sizeof again), Misbehaviour::rank_taken);
  EXPECT_EQ(verdict_of(again, 3), Misbehaviour::bad_greeting);
  const wire::Hello beyond{wire::kGreetingMagic, wire::kProtocolVersion, 2, 2};
  EXPECT_EQ(verdict_of(beyond, sizeof beyond), Misbehaviour::rank_out_of_range);
  const wire::Hello other_size{wire::kGreetingMagic, wire::kProtocolVersion, 0, 3};
  EXPECT_EQ(verdict_of(other_size, sizeof other_size), Misbehaviour::wrong_job_size);
}

TEST(Guard, AFloodOfConnectionsEndsTheSubject) {
  RunningGuard guard;
  std::vector<std::unique_ptr<RawRank>> flood;
  for (int i = 0; i < 40; ++i) {
    flood.push_back(std::make_unique<RawRank>());
    if (!flood.back()->connect(guard.socket_of(0))) break;
  }
  const Event event = guard.incident();
  EXPECT_EQ(event.kind, EventKind::misbehaved);
  EXPECT_EQ(event.misbehaviour, Misbehaviour::too_many_connections);
}

TEST(Guard, AConnectionThatEndsBeforeItsHelloIsNoMisbehaviour) {
  RunningGuard guard;
  for (int i = 0; i < 30; ++i) {
    RawRank crashed;
    ASSERT_TRUE(crashed.connect(guard.socket_of(0)));
    ::usleep(2000);
  }
  RawRank rank;
  EXPECT_EQ(rank.join(guard.socket_of(0), 0, 2), wire::GreetingVerdict::welcome);
}

TEST(Guard, AHostileCursorEndsTheReceiverAndNotTheSender) {
  RunningGuard guard;
  Job job(guard);
  job.high[0].cursor()->inflow[0].segments_released.store(1'000'000);
  ASSERT_TRUE(job.low[0].send(0, 1, "x", 1));
  const Event event = guard.incident();
  EXPECT_EQ(event.kind, EventKind::misbehaved);
  EXPECT_EQ(event.subject, 1U);
  EXPECT_EQ(event.misbehaviour, Misbehaviour::cursor_ahead);
  EXPECT_FALSE(job.low[0].dropped(50));
  EXPECT_TRUE(job.low[0].send(0, 1, "y", 1));
}

TEST(Guard, ASleepingReceiverIsWokenAndASilentFlowWakesNobody) {
  RunningGuard guard;
  Job job(guard);
  job.high[0].cursor()->asleep.store(1);
  pollfd polled{job.high[0].wake_socket(), POLLIN, 0};
  EXPECT_EQ(::poll(&polled, 1, 100), 0) << "woken without mail";
  ASSERT_TRUE(job.low[0].send(0, 1, "x", 1));
  EXPECT_EQ(::poll(&polled, 1, 5000), 1) << "mail came and nobody was woken";
}

/// A sender may read that nobody wants its doorbell rung before its frame is seen (wire/transmit.hpp).
TEST(Guard, FindsAFrameWhoseSenderDidNotRingAsIngressFellAsleep) {
  RunningGuard guard;
  Job job(guard);
  RawRank& sender = job.low[0];
  int found = 0;
  constexpr int kTries = 20;
  for (int i = 0; i < kTries; ++i) {
    sender.rings = true;
    ASSERT_TRUE(sender.send(0, i, "x", 1));
    ASSERT_TRUE(job.high[0].receive(0).has_value());
    sender.rings = false;
    const auto limit = Clock::now() + std::chrono::seconds(5);
    while (sender.control()->doorbell_wanted.load() == 0) ASSERT_LT(Clock::now(), limit) << "it never sleeps";
    ASSERT_TRUE(sender.send(0, i, "y", 1));
    if (job.high[0].receive(0, 100).has_value()) {
      ++found;
    } else {  // this thread came too late
      sender.ring_doorbell();
      ASSERT_TRUE(job.high[0].receive(0).has_value());
    }
  }
  EXPECT_GT(found, 2);
}

TEST(Guard, AReceiverThatBlocksItsWakeSocketHoldsUpNobody) {
  RunningGuard guard(std::uint64_t{64} << 20);
  Job job(guard);
  job.high[0].cursor()->asleep.store(1);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(job.low[0].send(0, i, "x", 1));
    ASSERT_TRUE(job.low[0].send(1, i, "y", 1));
    ::usleep(300);
  }
  for (int i = 0; i < 200; ++i) {
    const auto received = job.high[1].receive(0);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(received->header.tag, i);
  }
}

}  // namespace
}  // namespace sluice::guard
