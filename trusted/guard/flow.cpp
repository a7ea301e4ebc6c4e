#include "trusted/guard/flow.hpp"

#include <utility>

namespace sluice::guard {

Flow::Flow(std::uint32_t flow_index, const table::Flow& flow_policy, FlowMemory flow_memory, Fd spill_file)
    : index(flow_index), policy(flow_policy), memory(std::move(flow_memory)), spill(std::move(spill_file)) {
  const bool has_intake = memory.intake != nullptr;
  auto& progress = has_intake ? memory.intake_progress : memory.progress;
  writers.reserve(progress.size());
  for (std::uint32_t receiver = 0; receiver < progress.size(); ++receiver) {
    writers.emplace_back(has_intake ? *memory.intake : *memory.pool, receiver, memory.spare.get(), progress[receiver]);
  }
}

}  // namespace sluice::guard
