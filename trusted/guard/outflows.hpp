// Where the fragments of one source subject go: from capability index to mailbox.
//
// Used by that subject's ingress thread alone. Nothing here waits, wakes a receiver or looks at one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "trusted/guard/control.hpp"
#include "trusted/guard/flow.hpp"
#include "trusted/ring/transmit_reader.hpp"
#include "trusted/table/table.hpp"

namespace sluice::guard {

using Clock = std::chrono::steady_clock;

/// While frames arrive, a flow's egress is woken once in this time, or for this many bytes if they come sooner (an
/// eighth of the queue where that is less); and once after the last of them. All of it follows from what the sender
/// does. Each wake-up takes a processor from those who carry frames.
inline constexpr std::chrono::microseconds kBellPeriod{1000};
inline constexpr std::uint64_t kBellBytes = std::uint64_t{2} << 20;

class Outflows {
 public:
  /// `flows`: all flows of the run, by index.
  Outflows(const table::RunTable& table, std::uint32_t subject, const std::vector<Flow*>& flows,
           Statistics& statistics);

  /// How many capability indexes the subject has.
  [[nodiscard]] std::uint32_t capabilities() const noexcept { return static_cast<std::uint32_t>(capabilities_.size()); }

  /// Copies a checked fragment into the mailbox that its capability names, stamped with its true source.
  void deliver(std::uint32_t world_rank, const ring::Fragment& fragment, bool completes_message) noexcept;

  /// Tells every rank that `world_rank` could have sent to that it sends no more. `cut_short`: capability of the
  /// message that it left unfinished, if any.
  void tell_ended(std::uint32_t world_rank, std::optional<std::uint32_t> cut_short) noexcept;

  /// Rings the bell of each flow: a rank of the subject has connected.
  void announce() noexcept;

  /// Rings the bell of each flow that has frames which its egress has not been told of, if its period has passed.
  void ring_due(Clock::time_point now) noexcept;
  /// The same, whether or not the period has passed. Before the ingress sleeps.
  void ring_all(Clock::time_point now) noexcept;

 private:
  struct Outflow {
    Flow* flow;
    std::uint64_t patience;    // bytes for which egress is told before its time
    std::uint64_t untold = 0;  // bytes of frames since the last ring
    Clock::time_point rung{};
  };

  void put(Outflow& outflow, std::uint32_t receiver, const ring::Envelope& envelope,
           std::span<const std::byte> payload) noexcept;
  static void ring(Outflow& outflow, Clock::time_point now) noexcept;

  struct Target {
    std::uint32_t outflow;   // index into outflows_
    std::uint32_t receiver;  // rank within the receiving subject
  };

  std::vector<Outflow> outflows_;
  std::vector<Target> capabilities_;
  Statistics& statistics_;
};

}  // namespace sluice::guard
