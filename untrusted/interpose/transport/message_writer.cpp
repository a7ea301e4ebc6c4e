#include "untrusted/interpose/transport/message_writer.hpp"

#include <algorithm>

#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"

namespace sluice::interpose {

MessageWriter::MessageWriter(std::uint32_t world_rank, std::uint64_t context, int tag, std::uint64_t extent) noexcept
    : header_{.kind = wire::FrameKind::message_start,
              .payload = 0,
              .endpoint = layer.session.table.capability(world_rank),
              .tag = tag,
              .context = context,
              .extent = extent} {
  layer.writing = true;
}

MessageWriter::~MessageWriter() { layer.writing = false; }

void MessageWriter::append(const std::byte* bytes, std::uint64_t count) {
  do {
    header_.payload = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, wire::kMaxFragmentBytes));
    wait_for_room();
    layer.ring.put(header_, bytes);
    bytes += header_.payload;
    count -= header_.payload;
    written_ += header_.payload;
    header_.kind = wire::FrameKind::message_part;
    header_.extent = written_;
    // Two ranks that send each other large messages must both take what comes.
    if (count != 0) progress();
  } while (count != 0);
}

void MessageWriter::wait_for_room() {
  if (layer.ring.has_room(header_.payload)) [[likely]]
    return;
  Waiter waiter;
  while (!layer.ring.has_room(header_.payload)) {
    if (progress()) {
      waiter.reset();
    } else {
      waiter.pause_sender();
    }
  }
}

}  // namespace sluice::interpose
