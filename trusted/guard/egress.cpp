#include "trusted/guard/egress.hpp"

#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace sluice::guard {

namespace {

/// How often released segments are collected while there is a backlog and the sender is silent.
constexpr std::chrono::microseconds kBacklogPeriod{2000};

void wake(const RankMemory& rank) noexcept {
  // The flag goes with the call: a receiver cannot make this socket blocking for the guard. A full queue means that
  // it has been woken already.
  const std::uint64_t once = 1;
  static_cast<void>(::send(rank.wake_guard.get(), &once, sizeof once, MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace

Egress::Egress(Flow& flow, std::uint32_t inflow, const table::Subject& sender, const SubjectMemory& receiving,
               Statistics& statistics, const Reporter& reporter)
    : flow_(flow), inflow_(inflow), statistics_(statistics), reporter_(reporter), queue_fill_(*flow.memory.pool) {
  if (flow.memory.intake) intake_fill_.emplace(*flow.memory.intake);
  receivers_.reserve(receiving.ranks.size());
  for (std::uint32_t rank = 0; rank < receiving.ranks.size(); ++rank) {
    receivers_.push_back({.memory = &receiving.ranks[rank],
                          .reclaimer = ring::MailboxReclaimer(*flow.memory.pool, rank, flow.memory.progress[rank]),
                          .delivery = flow.memory.intake ? make_delivery(flow, rank, sender) : nullptr});
  }
}

void Egress::run() noexcept {
  // Rung when the sender connects. Until then subjects start, and what they leave of the processors fills the queue.
  std::uint32_t seen = flow_.bell.wait(0, std::nullopt);
  fill();
  for (;;) {
    bool more = false;
    for (std::uint32_t rank = 0; rank < receivers_.size(); ++rank) {
      more = serve(receivers_[rank], flow_.memory.progress[rank]) || more;
    }
    report_broken();
    const bool waits = publish_backlog();
    if (!more) seen = flow_.bell.wait(seen, waits ? std::optional(kBacklogPeriod) : std::nullopt);
  }
}

bool Egress::serve(Receiver& receiver, const ring::MailboxProgress& progress) noexcept {
  look_at(receiver, progress);
  if (receiver.delivery == nullptr) return false;
  const bool more = deliver(receiver);
  look_at(receiver, progress);  // what has just been brought may find it asleep
  return more;
}

bool Egress::deliver(Receiver& receiver) noexcept {
  if (receiver.lost) return false;
  if (const char* why = receiver.delivery->move(); why != nullptr) {
    receiver.lost = true;
    why_broken_ = why;
    flow_.broken.store(true, std::memory_order_release);
    return false;
  }
  return receiver.delivery->has_more();
}

bool Egress::publish_backlog() const noexcept {
  std::uint64_t segments = flow_.memory.pool->in_use();
  if (flow_.memory.intake) segments += flow_.memory.intake->in_use();
  statistics_.flow[flow_.index].segments_in_use.store(segments, std::memory_order_relaxed);
  std::uint64_t overflow = 0;
  for (const Receiver& receiver : receivers_) overflow += receiver.delivery ? receiver.delivery->overflow() : 0;
  statistics_.flow[flow_.index].overflow.store(overflow, std::memory_order_relaxed);
  const auto waits = [](const Receiver& receiver) { return receiver.delivery && receiver.delivery->waits(); };
  return segments != 0 || std::any_of(receivers_.begin(), receivers_.end(), waits);
}

void Egress::fill_ahead() noexcept {
  for (QueueFill* part : {&queue_fill_, intake_fill_ ? &*intake_fill_ : nullptr}) {
    if (part == nullptr) continue;
    auto step = QueueFill::Step::more;
    while (step == QueueFill::Step::more) step = part->from_end();
    if (step == QueueFill::Step::no_memory) report_no_memory();
  }
}

void Egress::fill() noexcept {
  for (QueueFill* part : {&queue_fill_, intake_fill_ ? &*intake_fill_ : nullptr}) {
    if (part == nullptr) continue;
    for (auto step = part->from_front(); step != QueueFill::Step::done; step = part->from_front()) {
      if (step == QueueFill::Step::no_memory) return report_no_memory();
      for (std::uint32_t rank = 0; rank < receivers_.size(); ++rank) {
        static_cast<void>(serve(receivers_[rank], flow_.memory.progress[rank]));
      }
      // Others may start meanwhile.
      ::sched_yield();
    }
  }
}

void Egress::report_no_memory() const noexcept {
  Event event = make_event(EventKind::setup_failed, flow_.policy.to);
  event.flow = flow_.index;
  std::strncpy(event.text, "no memory for a flow's queue: make `queue` smaller or memory larger",
               sizeof event.text - 1);
  reporter_.send(event);
}

void Egress::look_at(Receiver& receiver, const ring::MailboxProgress& progress) noexcept {
  if (receiver.ignored) return;
  const wire::CursorPage& cursors = receiver.memory->cursors();
  const auto reclaimed = receiver.reclaimer.reclaim(cursors.inflow[inflow_]);
  if (reclaimed && receiver.delivery) receiver.delivery->released(reclaimed.value());
  if (!reclaimed) {
    receiver.ignored = true;
    const bool backwards = reclaimed.error() == ring::CursorFault::backwards;
    reporter_.send(
        misbehaved(flow_.policy.to, kNoRank, backwards ? Misbehaviour::cursor_backwards : Misbehaviour::cursor_ahead));
    return;
  }
  const std::uint64_t frames = progress.frames.load(std::memory_order_acquire);
  if (frames == receiver.frames_woken_for) return;
  // Pairs with the receiver's fence between saying that it sleeps and its last look at the mailbox.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (cursors.asleep.load(std::memory_order_relaxed) == 0) return;
  receiver.frames_woken_for = frames;
  wake(*receiver.memory);
}

void Egress::report_broken() noexcept {
  if (reported_broken_ || !flow_.broken.load(std::memory_order_acquire)) return;
  reported_broken_ = true;
  Event event = make_event(EventKind::queue_full, flow_.policy.to);
  event.flow = flow_.index;
  std::strncpy(event.text, why_broken_, sizeof event.text - 1);
  reporter_.send(event);
}

}  // namespace sluice::guard
