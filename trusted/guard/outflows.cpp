#include "trusted/guard/outflows.hpp"

#include <algorithm>

namespace sluice::guard {

namespace {

/// Adds to a counter that only this thread writes.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace

Outflows::Outflows(const table::RunTable& table, std::uint32_t subject, const std::vector<Flow*>& flows,
                   Statistics& statistics)
    : statistics_(statistics) {
  for (const table::Capability& capability : table::capabilities(table, subject)) {
    Flow* flow = flows[capability.flow];
    auto known = std::find_if(outflows_.begin(), outflows_.end(),
                              [flow](const Outflow& outflow) { return outflow.flow == flow; });
    if (known == outflows_.end())
      known = outflows_.insert(outflows_.end(),
                               Outflow{.flow = flow, .patience = std::min(kBellBytes, flow->policy.queue_bytes / 8)});
    capabilities_.push_back({static_cast<std::uint32_t>(known - outflows_.begin()), capability.receiver});
  }
}

void Outflows::deliver(std::uint32_t world_rank, const ring::Fragment& fragment, bool completes_message) noexcept {
  const wire::FrameHeader& header = fragment.header;
  const Target target = capabilities_[header.endpoint];
  Outflow& outflow = outflows_[target.outflow];
  put(outflow, target.receiver,
      {.kind = header.kind,
       .source = world_rank,
       .context = header.context,
       .tag = header.tag,
       .extent = header.extent},
      {fragment.payload, header.payload});
  auto& figures = statistics_.flow[outflow.flow->index];
  add(figures.bytes, header.payload);
  if (completes_message) add(figures.messages, 1);
}

void Outflows::tell_ended(std::uint32_t world_rank, std::optional<std::uint32_t> cut_short) noexcept {
  for (std::uint32_t capability = 0; capability < capabilities_.size(); ++capability) {
    const Target target = capabilities_[capability];
    const bool was_open = cut_short == capability;
    put(outflows_[target.outflow], target.receiver,
        {.kind = wire::FrameKind::sender_ended, .source = world_rank, .extent = was_open ? 1U : 0U}, {});
  }
}

void Outflows::put(Outflow& outflow, std::uint32_t receiver, const ring::Envelope& envelope,
                   std::span<const std::byte> payload) noexcept {
  if (!outflow.flow->writers[receiver].put(envelope, payload)) {
    outflow.flow->broken.store(true, std::memory_order_release);
  }
  outflow.untold += wire::frame_stride(static_cast<std::uint32_t>(payload.size()));
}

void Outflows::ring(Outflow& outflow, Clock::time_point now) noexcept {
  outflow.untold = 0;
  outflow.rung = now;
  outflow.flow->bell.ring();
}

void Outflows::announce() noexcept {
  for (const Outflow& outflow : outflows_) outflow.flow->bell.ring();
}

void Outflows::ring_due(Clock::time_point now) noexcept {
  for (Outflow& outflow : outflows_) {
    const bool due = outflow.untold >= outflow.patience || now - outflow.rung >= kBellPeriod;
    if (outflow.untold != 0 && due) ring(outflow, now);
  }
}

void Outflows::ring_all(Clock::time_point now) noexcept {
  for (Outflow& outflow : outflows_) {
    if (outflow.untold != 0) ring(outflow, now);
  }
}

}  // namespace sluice::guard
