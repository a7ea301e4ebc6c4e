#include "trusted/guard/sender.hpp"

namespace sluice::guard {

namespace {

Misbehaviour misbehaviour_of(ring::Taken taken) noexcept {
  switch (taken) {
    case ring::Taken::nothing:
    case ring::Taken::fragment:
      return Misbehaviour::none;
    case ring::Taken::unknown_kind:
      return Misbehaviour::unknown_frame_kind;
    case ring::Taken::oversized:
      return Misbehaviour::oversized_fragment;
  }
  return Misbehaviour::unknown_frame_kind;
}

}  // namespace

Sender::Progress Sender::drain(Outflows& outflows, std::uint32_t budget) noexcept {
  Progress progress;
  for (std::uint32_t count = 0; count < budget; ++count) {
    ring::Fragment fragment;
    const ring::Taken taken = reader_.take(fragment);
    if (taken == ring::Taken::nothing) {
      reader_.publish_position();
      return progress;
    }
    progress.misbehaviour = taken == ring::Taken::fragment ? check_.accept(fragment.header) : misbehaviour_of(taken);
    if (progress.misbehaviour != Misbehaviour::none) return progress;
    outflows.deliver(world_rank_, fragment, check_.complete());
    reader_.release(fragment);
    progress.worked = true;
  }
  return progress;
}

Misbehaviour Sender::finish(Outflows& outflows) noexcept {
  constexpr std::uint32_t kWholeRing = wire::kTransmitRingBytes / wire::kCacheLine;
  const Progress progress = drain(outflows, kWholeRing);
  cut_off(outflows);
  return progress.misbehaviour;
}

void Sender::cut_off(Outflows& outflows) noexcept {
  if (life_ == Life::ended) return;
  outflows.tell_ended(world_rank_, check_.open_capability());
  life_ = Life::ended;
}

}  // namespace sluice::guard
