#include "untrusted/interpose/point_to_point/synchronous.hpp"

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

void SynchronousSends::expect(SynchronousSend& send, std::uint32_t world_rank) {
  Peer& peer = peers_[world_rank];
  send.number = ++peer.sent;
  if (layer.incoming.ended(world_rank)) {
    send.error = ended_error(static_cast<std::int32_t>(world_rank));
    settle(send);
    return;
  }
  peer.waiting.push_back(send);
  ++waiting_;
}

bool SynchronousSends::advance() {
  bool moved = !layer.incoming.acknowledged().empty() && take_acknowledgements();
  if (layer.incoming.ended_count() != seen_ended_) moved = give_up_on_ended() || moved;
  return (!layer.incoming.owed().empty() && write_acknowledgements()) || moved;
}

bool SynchronousSends::take_acknowledgements() {
  const std::size_t before = waiting_;
  for (const Acknowledgement& received : layer.incoming.acknowledged()) {
    auto& waiting = peers_[static_cast<std::size_t>(received.rank)].waiting;
    SynchronousSend* send = waiting.first();
    while (send != nullptr && send->number != received.number) send = waiting.after(*send);
    if (send == nullptr) continue;  // the other side says what it likes
    waiting.remove(*send);
    --waiting_;
    settle(*send);
  }
  layer.incoming.acknowledged().clear();
  return waiting_ != before;
}

bool SynchronousSends::give_up_on_ended() {
  seen_ended_ = layer.incoming.ended_count();
  bool moved = false;
  for (std::uint32_t rank = 0; waiting_ != 0 && rank < peers_.size(); ++rank) {
    if (!layer.incoming.ended(rank)) continue;
    while (SynchronousSend* send = peers_[rank].waiting.pop_front()) {
      --waiting_;
      send->error = ended_error(static_cast<std::int32_t>(rank));
      settle(*send);
      moved = true;
    }
  }
  return moved;
}

bool SynchronousSends::write_acknowledgements() {
  auto& owed = layer.incoming.owed();
  std::size_t written = 0;
  for (const Acknowledgement& due : owed) {
    const std::uint32_t capability = layer.session.table.capability(static_cast<std::uint32_t>(due.rank));
    if (capability != wire::kNoCapability) {
      if (!layer.ring.has_room(0)) break;
      const std::uint64_t context =
          due.number << wire::kChannelBits | static_cast<std::uint64_t>(Channel::acknowledgement);
      layer.ring.put({.kind = wire::FrameKind::message_start,
                      .payload = 0,
                      .endpoint = capability,
                      .tag = 0,
                      .context = context,
                      .extent = 0},
                     nullptr);
      layer.ring.wake_guard();
    }
    ++written;
  }
  owed.erase(owed.begin(), owed.begin() + static_cast<std::ptrdiff_t>(written));
  return written != 0;
}

}  // namespace sluice::interpose
