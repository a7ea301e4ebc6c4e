// One flow of the run: the mailboxes, and how its ingress and its egress find them.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "trusted/guard/doorbell.hpp"
#include "trusted/guard/memory.hpp"
#include "trusted/ring/mailbox_writer.hpp"
#include "trusted/table/table.hpp"

namespace sluice::guard {

struct Flow {
  Flow(std::uint32_t flow_index, const table::Flow& flow_policy, FlowMemory flow_memory, Fd spill_file = Fd());

  const std::uint32_t index;
  const table::Flow& policy;
  FlowMemory memory;
  Fd spill;  ///< file of policy.spill_bytes; invalid unless the flow spills
  /// Rung by the ingress of `policy.from`, awaited by the egress of this flow.
  FlowBell bell;
  /// Set once, by ingress, when the quota is used up.
  std::atomic<bool> broken{false};
  /// One for each receiving rank, into its mailbox, or its intake if the flow has one; used by ingress alone.
  std::vector<ring::MailboxWriter> writers;
};

}  // namespace sluice::guard
