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

/// While frames arrive, a flow's egress is woken no more often than this; and once after the last of them.
inline constexpr std::chrono::microseconds kBellPeriod{100};

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

  /// Rings the bell of each flow that has frames which its egress has not been told of, if its period has passed.
  void ring_due(Clock::time_point now) noexcept;
  /// The same, whether or not the period has passed. Before the ingress sleeps.
  void ring_all(Clock::time_point now) noexcept;

 private:
  struct Outflow {
    Flow* flow;
    bool untold = false;  // frames since the last ring
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
