#include "trusted/guard/flow.hpp"

#include <utility>

namespace sluice::guard {

Flow::Flow(std::uint32_t flow_index, const table::Flow& flow_policy, FlowMemory flow_memory)
    : index(flow_index), policy(flow_policy), memory(std::move(flow_memory)) {
  writers.reserve(memory.progress.size());
  for (std::uint32_t receiver = 0; receiver < memory.progress.size(); ++receiver) {
    writers.emplace_back(*memory.pool, receiver, memory.spare.get(), memory.progress[receiver]);
  }
}

}  // namespace sluice::guard
