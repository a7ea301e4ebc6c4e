#include "trusted/guard/reporter.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>
#include <vector>

namespace sluice::guard {
namespace {

class ReporterTest : public ::testing::Test {
 protected:
  ReporterTest() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_), 0);
    // Its thread outlives the test, so it is never freed; the list keeps it reachable.
    static auto* all = new std::vector<Reporter*>;
    reporter_ = all->emplace_back(new Reporter(ends_[1]));
  }

  void start() {
    std::thread([reporter = reporter_] { reporter->forward(); }).detach();
  }

  /// Next event; kind 0 after 5 s.
  [[nodiscard]] Event next() const {
    pollfd polled{ends_[0], POLLIN, 0};
    Event event{};
    if (::poll(&polled, 1, 5000) == 1) {
      EXPECT_EQ(::recv(ends_[0], &event, sizeof event, 0), static_cast<ssize_t>(sizeof event));
    }
    return event;
  }

  static Event numbered(std::uint32_t thread, std::uint32_t number) {
    Event event = make_event(EventKind::rank_up, thread);
    event.rank = number;
    return event;
  }

  int ends_[2] = {-1, -1};
  Reporter* reporter_ = nullptr;
};

TEST_F(ReporterTest, PostedEventsOfEachThreadArriveInOrder) {
  constexpr std::uint32_t threads = 4;
  constexpr std::uint32_t each = 2000;
  start();
  std::vector<std::thread> posters;
  for (std::uint32_t thread = 0; thread < threads; ++thread) {
    posters.emplace_back([this, thread] {
      for (std::uint32_t number = 0; number < each; ++number) reporter_->post(numbered(thread, number));
    });
  }
  std::uint32_t seen[threads] = {};
  for (std::uint32_t i = 0; i < threads * each; ++i) {
    const Event event = next();
    ASSERT_EQ(event.kind, EventKind::rank_up);
    EXPECT_EQ(event.rank, seen[event.subject]++);
  }
  for (std::thread& poster : posters) poster.join();
}

TEST_F(ReporterTest, PostingNeverWaitsForALauncherThatDoesNotRead) {
  // Nobody forwards yet: what does not fit is counted.
  constexpr std::uint32_t capacity = 4 * wire::kMaxRanks;
  for (std::uint32_t number = 0; number < capacity + 5; ++number) reporter_->post(numbered(0, number));
  start();
  for (std::uint32_t number = 0; number < capacity; ++number) ASSERT_EQ(next().rank, number);
  const Event lost = next();
  EXPECT_EQ(lost.kind, EventKind::events_lost);
  EXPECT_EQ(lost.flow, 5U);
}

TEST_F(ReporterTest, SendOvertakesWhatIsPosted) {
  reporter_->post(numbered(0, 1));
  reporter_->send(misbehaved(1, kNoRank, Misbehaviour::bad_greeting));
  EXPECT_EQ(next().kind, EventKind::misbehaved);
  start();
  EXPECT_EQ(next().kind, EventKind::rank_up);
}

}  // namespace
}  // namespace sluice::guard
