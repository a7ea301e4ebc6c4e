// Egress of one flow: the thread on the receivers' side. It wakes them, takes back what they have released, says when
// the flow is broken, and where the flow has an intake moves what comes on to the mailboxes (delivery.hpp).
//
// One thread for each flow, so that when it sleeps is a matter of the flow's own sender and nobody else's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "trusted/guard/control.hpp"
#include "trusted/guard/delivery.hpp"
#include "trusted/guard/flow.hpp"
#include "trusted/guard/memory.hpp"
#include "trusted/guard/queue_fill.hpp"
#include "trusted/guard/reporter.hpp"
#include "trusted/ring/mailbox_reclaimer.hpp"

namespace sluice::guard {

class Egress {
 public:
  /// `inflow`: position of the flow among the receiving subject's inflows, which is that of its cursor.
  /// `sender`: the subject that the flow comes from.
  Egress(Flow& flow, std::uint32_t inflow, const table::Subject& sender, const SubjectMemory& receiving,
         Statistics& statistics, const Reporter& reporter);

  /// Thread body; never returns.
  [[noreturn]] void run() noexcept;

  /// Fills the flow's queue in until it is full, or its sender there. For a thread of low priority.
  void fill_ahead() noexcept;

 private:
  struct Receiver {
    const RankMemory* memory;
    ring::MailboxReclaimer reclaimer;
    std::unique_ptr<Delivery> delivery;  // null unless the flow has an intake
    std::uint64_t frames_woken_for = 0;
    bool ignored = false;  // has misbehaved
    bool lost = false;     // can no longer be told what was sent
  };

  /// What fill_ahead() has left, between looks at the receivers.
  void fill() noexcept;
  void report_no_memory() const noexcept;
  /// All that one receiver needs now. Whether there is more to do at once.
  [[nodiscard]] bool serve(Receiver& receiver, const ring::MailboxProgress& progress) noexcept;
  /// Takes back what it has released, and wakes it for what has come.
  void look_at(Receiver& receiver, const ring::MailboxProgress& progress) noexcept;
  /// Moves on what waits in the intake. Whether there is more.
  [[nodiscard]] bool deliver(Receiver& receiver) noexcept;
  /// Writes down how much waits. Whether anything does.
  [[nodiscard]] bool publish_backlog() const noexcept;
  void report_broken() noexcept;

  Flow& flow_;
  std::uint32_t inflow_;
  Statistics& statistics_;
  const Reporter& reporter_;
  std::vector<Receiver> receivers_;
  QueueFill queue_fill_;
  std::optional<QueueFill> intake_fill_;  ///< if the flow has an intake
  const char* why_broken_ = "";
  bool reported_broken_ = false;
};

}  // namespace sluice::guard
