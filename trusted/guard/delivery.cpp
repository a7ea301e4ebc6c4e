#include "trusted/guard/delivery.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::guard {

namespace {

/// Whole fragments that a segment holds beside the frame that leads on.
constexpr std::uint64_t kFragmentsPerSegment =
    (wire::kSegmentBytes - wire::kCacheLine) / wire::frame_stride(wire::kMaxFragmentBytes);

/// Different kinds of missed messages, and ends of senders, that may wait for room to be told.
constexpr std::size_t kMostUntold = 8192;

std::span<const std::byte> payload_of(const wire::FrameHeader& frame) noexcept {
  return {reinterpret_cast<const std::byte*>(&frame + 1), frame.payload};
}

}  // namespace

Delivery::Delivery(Flow& flow, std::uint32_t receiver) noexcept
    : intake_(*flow.memory.intake, receiver),
      progress_(flow.memory.progress[receiver]),
      mailbox_(*flow.memory.pool, receiver, flow.memory.spare.get(), progress_),
      share_(flow.memory.pool->segments() / flow.memory.progress.size()) {}

bool Delivery::fits_message(const wire::FrameHeader& start) const noexcept {
  if (start.payload == start.extent) return fits(start.payload);
  const std::uint64_t rest = start.extent - start.payload;
  const std::uint64_t fragments = 1 + (rest + wire::kMaxFragmentBytes - 1) / wire::kMaxFragmentBytes;
  return held() + (fragments + kFragmentsPerSegment - 1) / kFragmentsPerSegment <= share_;
}

void Delivery::put(const wire::FrameHeader& header, std::span<const std::byte> payload) noexcept {
  // Never out of segments: what the ranks hold together is at most the pool.
  static_cast<void>(mailbox_.put({.kind = header.kind,
                                  .source = header.endpoint,
                                  .context = header.context,
                                  .tag = header.tag,
                                  .extent = header.extent},
                                 payload));
}

SpillDelivery::SpillDelivery(Flow& flow, std::uint32_t receiver)
    : Delivery(flow, receiver),
      file_([&flow, receiver] {
        const std::uint64_t part = flow.policy.spill_bytes / flow.memory.progress.size() / wire::kPage * wire::kPage;
        return SpillFile(flow.spill.get(), receiver * part, part);
      }()),
      window_(std::make_unique<std::byte[]>(wire::kSegmentBytes)) {}

const char* SpillDelivery::move() noexcept {
  if (!refill()) return "its spill file cannot be read";
  for (int turn = 0; turn < kTurn; ++turn) {
    const wire::FrameHeader* frame = intake_.peek();
    if (frame == nullptr) break;
    if (!waits() && fits(frame->payload)) {
      put(*frame, payload_of(*frame));
      intake_.advance();
      continue;
    }
    const auto frames = intake_.published();
    if (!file_.append(frames)) return "its spill file is full, or cannot be written";
    overflow_ += frames.size();
    intake_.advance_past(frames);
  }
  return nullptr;
}

bool SpillDelivery::refill() noexcept {
  for (;;) {
    if (begin_ == end_ && !load()) return false;
    if (begin_ == end_) return true;
    const auto* frame = reinterpret_cast<const wire::FrameHeader*>(window_.get() + begin_);
    const std::uint32_t stride = wire::frame_stride(frame->payload);
    if (stride > end_ - begin_) {  // its end is still in the file
      if (!load()) return false;
      continue;
    }
    if (!fits(frame->payload)) return true;
    put(*frame, payload_of(*frame));
    begin_ += stride;
  }
}

bool SpillDelivery::load() noexcept {
  std::memmove(window_.get(), window_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(file_.size(), wire::kSegmentBytes - end_));
  if (!file_.take({window_.get() + end_, bytes})) return false;
  end_ += bytes;
  return true;
}

DropDelivery::DropDelivery(Flow& flow, std::uint32_t receiver, std::uint32_t first_sender, std::uint32_t senders)
    : Delivery(flow, receiver), first_sender_(first_sender), sources_(senders) {
  untold_.reserve(kMostUntold + senders);
}

const char* DropDelivery::move() noexcept {
  static_cast<void>(tell());
  for (int turn = 0; turn < kTurn; ++turn) {
    const wire::FrameHeader* frame = intake_.peek();
    if (frame == nullptr) break;
    handle(*frame);
    intake_.advance();
    if (untold_.size() > kMostUntold) return "it missed more kinds of messages than it can be told of";
  }
  return nullptr;
}

void DropDelivery::handle(const wire::FrameHeader& frame) noexcept {
  Source& source = sources_[frame.endpoint - first_sender_];
  if (frame.kind == wire::FrameKind::sender_ended) {
    untold_.push_back({frame, 0});
    static_cast<void>(tell());
    return;
  }
  if (frame.kind == wire::FrameKind::message_start) {
    source.start = frame;
    source.delivering = tell() && fits_message(frame);
    if (!source.delivering) miss(source.start);
  } else if (source.delivering && !fits(frame.payload)) {
    // Cut otherwise than the library cuts, or beside another that took the room.
    source.delivering = false;
    miss(source.start);
  }
  if (source.delivering) put(frame, payload_of(frame));
}

void DropDelivery::miss(const wire::FrameHeader& start) noexcept {
  ++overflow_;
  for (auto known = untold_.rbegin(); known != untold_.rend(); ++known) {
    wire::FrameHeader& header = known->header;
    if (header.kind != wire::FrameKind::messages_missed || header.endpoint != start.endpoint ||
        header.context != start.context || header.tag != start.tag) {
      continue;
    }
    header.extent += start.extent;
    ++known->messages;
    return;
  }
  wire::FrameHeader header = start;
  header.kind = wire::FrameKind::messages_missed;
  header.payload = sizeof(Untold::messages);
  untold_.push_back({header, 1});
}

bool DropDelivery::tell() noexcept {
  std::size_t told = 0;
  for (; told < untold_.size(); ++told) {
    const Untold& next = untold_[told];
    const bool missed = next.header.kind == wire::FrameKind::messages_missed;
    if (!fits(missed ? sizeof next.messages : 0)) break;
    const auto count = std::as_bytes(std::span(&next.messages, 1));
    put(next.header, missed ? count : std::span<const std::byte>());
  }
  untold_.erase(untold_.begin(), untold_.begin() + static_cast<std::ptrdiff_t>(told));
  return untold_.empty();
}

std::unique_ptr<Delivery> make_delivery(Flow& flow, std::uint32_t receiver, const table::Subject& sender) {
  if (flow.policy.when_full == table::WhenFull::spill) return std::make_unique<SpillDelivery>(flow, receiver);
  return std::make_unique<DropDelivery>(flow, receiver, sender.first_rank, sender.rank_count);
}

}  // namespace sluice::guard
