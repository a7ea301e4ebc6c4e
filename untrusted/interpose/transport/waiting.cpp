#include "untrusted/interpose/transport/waiting.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <ctime>

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

/// The last time that this process gave way, nobody else ran.
std::atomic<bool> undisturbed{false};

/// The least time that giving way has taken, in nanoseconds: nobody else ran then. Machines differ threefold; this
/// begins above all of them, as somebody else may run each time at first.
std::atomic<std::int64_t> least_time{800};

constexpr char kGuardGone[] = "the guard is gone: the run is over";

timespec to_timespec(std::chrono::microseconds time) {
  return {static_cast<time_t>(time.count() / 1'000'000), static_cast<long>(time.count() % 1'000'000 * 1000)};
}

/// Never blocks: another thread may have taken the packets meanwhile.
void empty_wake() {
  std::uint64_t packet = 0;
  while (::recv(layer.session.wake, &packet, sizeof packet, MSG_DONTWAIT) > 0) continue;
}

/// Sleeps until the guard brings mail, or for `time`.
void sleep_for_mail(std::chrono::microseconds time) {
  std::atomic<std::uint32_t>& asleep = layer.session.cursors->asleep;
  asleep.store(1, std::memory_order_relaxed);
  layer.incoming.want_wake(true);
  // Either the guard sees that this rank sleeps, or this look sees its mail.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  bool mail = false;
  {
    const Lock lock;
    mail = layer.incoming.mail_waits();
  }
  if (!mail) {
    pollfd polled[] = {{layer.session.wake, POLLIN, 0}, {layer.session.socket, POLLIN, 0}};
    const timespec limit = to_timespec(time);
    const int ready = ::ppoll(polled, 2, &limit, nullptr);
    if (ready > 0 && polled[1].revents != 0) die(kGuardGone);
    if (ready > 0) empty_wake();
  }
  layer.incoming.want_wake(false);
  asleep.store(0, std::memory_order_relaxed);
}

}  // namespace

void drive_host() {
  start_due();
  if (layer.subject_size < 2) return;
  int flag = 0;
  // MPICH makes progress when it finds nothing, and on a communicator of more than one process only. A program that has
  // sent to itself with this tag stops it until it receives that.
  host.Iprobe(layer.world_rank - layer.first_rank, layer.tag_bound, layer.subject, &flag, MPI_STATUS_IGNORE);
}

bool give_way(std::chrono::steady_clock::time_point now) noexcept {
  ::sched_yield();
  const std::chrono::nanoseconds time = std::chrono::steady_clock::now() - now;
  if (time.count() < least_time.load(std::memory_order_relaxed)) {
    least_time.store(time.count(), std::memory_order_relaxed);
  }
  // Two switches take three times as long and more.
  return time.count() >= 2 * least_time.load(std::memory_order_relaxed);
}

bool Waiter::spin_or_yield() {
  if (++passes_ % kPassesPerYield != 0 && undisturbed.load(std::memory_order_relaxed)) {
    for (std::uint32_t i = 0; i < kPausesPerPass; ++i) __builtin_ia32_pause();
    return true;
  }
  const auto now = std::chrono::steady_clock::now();
  if (!started_) {
    started_ = true;
    since_ = now;
    nap_ = kFirstNap;
  }
  if (now - since_ >= kYieldTime) return false;
  undisturbed.store(!give_way(now), std::memory_order_relaxed);
  return true;
}

void Waiter::pause() {
  drive_host();
  if (spin_or_yield()) return;
  // A sender on a shared path may have missed the first wish to be woken (wire/transmit.hpp): then a nap finds its
  // frame.
  const bool rests = layer.subject_size < 2 && !layer.threads && nap_ == kLongestNap;
  sleep_for_mail(rests ? kRest : nap_);
  nap_ = std::min(nap_ * 2, kLongestNap);
}

void Waiter::pause_sender() {
  if (spin_or_yield()) return;
  if (layer.session.lost()) die(kGuardGone);
  layer.ring.wake_guard();
  const timespec limit = to_timespec(nap_);
  ::nanosleep(&limit, nullptr);
  nap_ = std::min(nap_ * 2, kLongestNap);
}

}  // namespace sluice::interpose
