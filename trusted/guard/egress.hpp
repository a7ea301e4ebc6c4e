// Egress of one flow: the thread on the receivers' side. It wakes them, takes back what they have released, and says
// when the flow is broken.
//
// One thread for each flow, so that when it sleeps is a matter of the flow's own sender and nobody else's.
#pragma once

#include <cstdint>
#include <vector>

#include "trusted/guard/control.hpp"
#include "trusted/guard/flow.hpp"
#include "trusted/guard/memory.hpp"
#include "trusted/guard/reporter.hpp"
#include "trusted/ring/mailbox_reclaimer.hpp"

namespace sluice::guard {

class Egress {
 public:
  /// `inflow`: position of the flow among the receiving subject's inflows, which is that of its cursor.
  Egress(Flow& flow, std::uint32_t inflow, const SubjectMemory& receiving, Statistics& statistics,
         const Reporter& reporter);

  /// Thread body; never returns.
  [[noreturn]] void run() noexcept;

 private:
  struct Receiver {
    const RankMemory* memory;
    ring::MailboxReclaimer reclaimer;
    std::uint64_t frames_woken_for = 0;
    bool ignored = false;  // has misbehaved
  };

  void populate() noexcept;
  void look_at(Receiver& receiver, const ring::MailboxProgress& progress) noexcept;
  void report_broken() noexcept;

  Flow& flow_;
  std::uint32_t inflow_;
  Statistics& statistics_;
  const Reporter& reporter_;
  std::vector<Receiver> receivers_;
  bool reported_broken_ = false;
};

}  // namespace sluice::guard
