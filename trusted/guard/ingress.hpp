// Ingress of one subject: takes what the subject's ranks send, and answers everything else they may ask for.
//
// It depends on its own subject and on the tables. It shares with the receiving side only mailbox memory, which it
// writes, and the return queue of segments (see trusted/ring/segment_pool.hpp). Its thread calls all but
// subject_ended() (trusted/guard/ingress_thread.hpp).
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/guard/control.hpp"
#include "trusted/guard/memory.hpp"
#include "trusted/guard/outflows.hpp"
#include "trusted/guard/reporter.hpp"
#include "trusted/guard/sender.hpp"
#include "trusted/table/table.hpp"
#include "wire/greeting.hpp"

namespace sluice::guard {

/// What an ingress needs to know of its subject.
struct IngressSetup {
  std::uint32_t subject = 0;
  uid_t user = 0;            ///< that its processes must have
  Fd listener;               ///< the subject's own socket
  std::vector<int> inbound;  ///< descriptors of mailboxes and shared paths, in the order of wire/greeting.hpp
};

class Ingress {
 public:
  Ingress(const table::RunTable& table, IngressSetup setup, SubjectMemory& memory, const std::vector<Flow*>& flows,
          Statistics& statistics, const Reporter& reporter);

  /// From any thread: every process of the subject is gone.
  void subject_ended() noexcept;

  /// The subject has ended and its receivers have been told: nothing is left to do.
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }

  /// Takes what lies in the rings, a bounded turn of each. True if there was anything.
  [[nodiscard]] bool drain_once() noexcept;

  Outflows& outflows() noexcept { return outflows_; }

  /// Asks the ranks to ring the doorbell when they publish a frame.
  void want_doorbell(bool wanted) noexcept;

  /// Publishes what the subject was denied, for the audit log.
  void count_denials() const noexcept;

  /// Adds the descriptors that the subject may make ready.
  void add_polled(std::vector<pollfd>& polled) const;

  /// Serves the descriptors that add_polled() added, in the state that poll() found them. In between, nothing else
  /// has been called.
  void serve(std::span<const pollfd> polled) noexcept;

 private:
  void finish_closing() noexcept;
  void finish_all() noexcept;
  void accept_all() noexcept;
  void greet(Fd& connection) noexcept;
  void look_at_rank(std::uint32_t rank) noexcept;
  void misbehave(std::uint32_t world_rank, Misbehaviour misbehaviour) noexcept;

  const table::RunTable& table_;
  IngressSetup setup_;
  Statistics::Subject& counters_;
  SubjectMemory& memory_;
  const Reporter& reporter_;
  Outflows outflows_;
  std::vector<Sender> senders_;
  std::vector<Fd> connections_;  // one for each rank, invalid while it has none
  std::vector<Fd> strangers_;    // accepted, not yet greeted
  Fd gone_;                      // eventfd: subject_ended()

  bool stopped_ = false;
};

}  // namespace sluice::guard
