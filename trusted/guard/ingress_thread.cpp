#include "trusted/guard/ingress_thread.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <span>

namespace sluice::guard {

namespace {

/// Waiting, where one subject's reply to another comes by this same thread: look out for it for about as long as it
/// takes a rank to answer, as giving way to a rank that only waits costs more.
constexpr std::chrono::nanoseconds kReplyTime{600};
/// Waiting: yielding for this long, then sleep. Without a spin before for a single subject: where threads that wait
/// outnumber processors only giving way helps, and elsewhere giving way costs nothing.
constexpr std::chrono::microseconds kYieldTime{500};
/// Silence after which frames count as the last ones for now: egress is told of them.
constexpr std::chrono::microseconds kSilence{20};
/// Sleeping: first for so long, and then until somebody comes. A sender that has not seen the wish to be woken has
/// stored its frame by then: a processor holds a store back for microseconds at most.
constexpr std::chrono::milliseconds kStoreTime{1};
constexpr std::chrono::milliseconds kForever{-1};
constexpr std::chrono::milliseconds kNoWait{0};
/// How often sockets are looked at while frames arrive.
constexpr std::chrono::milliseconds kSocketPeriod{1};

}  // namespace

void IngressThread::run() noexcept {
  while (!all_stopped()) {
    if (!drain_once()) {
      rest();
      continue;
    }
    const auto now = Clock::now();
    for (Ingress* member : members_) member->outflows().ring_due(now);
    if (now - looked_at_sockets_ >= kSocketPeriod) look_at_sockets(kNoWait);
  }
  ring_all(Clock::now());
}

bool IngressThread::all_stopped() const noexcept {
  return std::all_of(members_.begin(), members_.end(), [](const Ingress* member) { return member->stopped(); });
}

bool IngressThread::drain_once() noexcept {
  bool worked = false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!members_[i]->drain_once()) continue;
    replies_.came_from(i, idle_since_.has_value());
    idle_since_.reset();
    worked = true;
  }
  return worked;
}

void IngressThread::ring_all(Clock::time_point now) noexcept {
  for (Ingress* member : members_) member->outflows().ring_all(now);
}

void IngressThread::rest() noexcept {
  const auto now = Clock::now();
  if (!idle_since_) idle_since_ = now;
  const bool shared = members_.size() > 1;
  if (shared && replies_.look_out() && now - *idle_since_ < kReplyTime) return __builtin_ia32_pause();
  if (now - *idle_since_ >= kSilence) ring_all(now);
  if (now - looked_at_sockets_ >= kSocketPeriod) {
    look_at_sockets(kNoWait);
  } else if (now - *idle_since_ < kYieldTime) {
    ::sched_yield();
    if (shared) replies_.gave_way(Clock::now() - now);
  } else {
    sleep();
  }
}

void IngressThread::sleep() noexcept {
  ring_all(Clock::now());
  for (Ingress* member : members_) member->want_doorbell(true);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // Either a sender sees the wish after it published a frame, or one of the looks here sees the frame.
  for (const auto limit : {kStoreTime, kForever}) {
    if (drain_once() || all_stopped() || look_at_sockets(limit)) break;
  }
  for (Ingress* member : members_) member->want_doorbell(false);
  idle_since_.reset();
}

bool IngressThread::look_at_sockets(std::chrono::milliseconds limit) noexcept {
  looked_at_sockets_ = Clock::now();
  // Rebuilt on every look: looks are rare, and a stale entry would be a wrong one.
  std::vector<pollfd> polled;
  std::vector<std::size_t> ends;
  for (const Ingress* member : members_) {
    if (!member->stopped()) {
      member->count_denials();
      member->add_polled(polled);
    }
    ends.push_back(polled.size());
  }
  if (::poll(polled.data(), polled.size(), static_cast<int>(limit.count())) <= 0) return false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (ends[i] != begin) members_[i]->serve(std::span(polled).subspan(begin, ends[i] - begin));
    begin = ends[i];
  }
  return true;
}

}  // namespace sluice::guard
