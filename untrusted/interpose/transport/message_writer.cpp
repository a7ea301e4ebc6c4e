#include "untrusted/interpose/transport/message_writer.hpp"

#include <algorithm>
#include <chrono>

#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"

namespace sluice::interpose {

namespace {

/// Nothing can be written now: takes what has come meanwhile, or gives way.
void let_others_move(Waiter& waiter) {
  if (progress()) {
    waiter.reset();
  } else {
    waiter.pause_sender();
  }
}

/// While so many bytes are written, mail that nobody waits for stays in the mailbox: once somebody does, it is copied
/// once instead of twice.
constexpr std::uint64_t kShort = std::uint64_t{128} * 1024;

/// A receiver that takes nothing out of its ring for so long is busy with other things than messages.
constexpr std::chrono::milliseconds kRingPatience{50};

}  // namespace

MessageWriter::MessageWriter(std::uint32_t world_rank, std::uint64_t context, int tag, std::uint64_t extent) noexcept
    : header_{.kind = wire::FrameKind::message_start,
              .payload = 0,
              .endpoint = layer.session.table.capability(world_rank),
              .tag = tag,
              .context = context,
              .extent = extent},
      shared_(layer.shared_outflow(world_rank)),
      extent_(extent) {
  layer.writing = true;
  layer.leaves_mail = extent <= kShort;
}

MessageWriter::~MessageWriter() { layer.writing = layer.leaves_mail = false; }

void MessageWriter::append(const std::byte* bytes, std::uint64_t count) {
  do {
    header_.payload = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, wire::kMaxFragmentBytes));
    if (shared_ != nullptr && ring_has_room()) {
      shared_->ring.put(header_, bytes);
      if (shared_->ring.reader_sleeps()) put_by_relay(note(wire::PathNote::wake), nullptr);
    } else {
      put_by_relay(header_, bytes);
    }
    bytes += header_.payload;
    count -= header_.payload;
    written_ += header_.payload;
    header_.kind = wire::FrameKind::message_part;
    header_.extent = written_ - in_ring_;
    // Two ranks that send each other large messages must both take what comes.
    if (count != 0) progress();
  } while (count != 0);
}

void MessageWriter::put_by_relay(const wire::FrameHeader& header, const std::byte* bytes) {
  Waiter waiter;
  while (!layer.ring.has_room(header.payload)) let_others_move(waiter);
  layer.ring.put(header, bytes);
  layer.ring.wake_guard();
}

wire::FrameHeader MessageWriter::note(wire::PathNote note) const noexcept {
  return {.kind = wire::FrameKind::message_start,
          .payload = 0,
          .endpoint = header_.endpoint,
          .tag = static_cast<std::int32_t>(note),
          .context = static_cast<std::uint64_t>(Channel::path),
          .extent = 0};
}

bool MessageWriter::ring_has_room() {
  if (shared_->by_relay) {
    if (header_.kind != wire::FrameKind::message_start || !shared_->ring.empty()) return false;
    put_by_relay(note(wire::PathNote::by_ring), nullptr);
    shared_->by_relay = false;
  }
  // Behind every frame there must be room for the one that says that the relay follows.
  if (shared_->ring.has_room(header_.payload, wire::frame_stride(0)) || waited_for_ring()) return true;
  leave_ring();
  return false;
}

bool MessageWriter::waited_for_ring() {
  auto since = std::chrono::steady_clock::now();
  std::uint64_t taken = shared_->ring.taken();
  Waiter waiter;
  while (!shared_->ring.has_room(header_.payload, wire::frame_stride(0))) {
    if (shared_->ring.reader_sleeps()) put_by_relay(note(wire::PathNote::wake), nullptr);
    const auto now = std::chrono::steady_clock::now();
    if (shared_->ring.taken() != taken) since = now;
    taken = shared_->ring.taken();
    if (now - since > kRingPatience) return false;
    let_others_move(waiter);
  }
  return true;
}

void MessageWriter::leave_ring() {
  shared_->ring.put(note(wire::PathNote::by_relay), nullptr);
  shared_->by_relay = true;
  if (header_.kind == wire::FrameKind::message_start) return;
  in_ring_ = written_;
  const std::uint32_t payload = header_.payload;
  header_ = note(wire::PathNote::rest);
  header_.payload = payload;
  header_.extent = extent_ - written_;
}

}  // namespace sluice::interpose
