#include "untrusted/interpose/transport/incoming.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace sluice::interpose {

namespace {

/// First allocation for a message that nobody waits for. More is added as it arrives, so that a sender cannot claim
/// memory with a large announcement.
constexpr std::uint64_t kFirstRoom = std::uint64_t{64} * 1024;

void write(Receive& receive, std::uint64_t offset, const std::byte* bytes, std::uint64_t count) {
  if (offset >= receive.capacity || receive.outcome == Outcome::no_memory) return;
  std::byte* target = receive.staged ? receive.staging.get() : receive.buffer;
  const std::uint64_t fits = std::min(count, receive.capacity - offset);
  if (fits != 0) std::memcpy(target + offset, bytes, fits);
}

/// Makes room for `count` more bytes; returns false when out of memory.
bool reserve(Unexpected& message, std::uint64_t count) {
  if (message.arrived + count <= message.room) return true;
  const std::uint64_t room =
      std::min(message.extent, std::max({message.room * 2, message.arrived + count, kFirstRoom}));
  auto* data = static_cast<std::byte*>(std::realloc(message.data, room));
  if (data == nullptr) return false;
  message.data = data;
  message.room = room;
  return true;
}

}  // namespace

Incoming::~Incoming() {
  for (Unexpected* message = unexpected_.first(); message != nullptr;) {
    Unexpected* next = UnexpectedQueue::after(*message);
    std::free(message->data);
    delete message;
    message = next;
  }
}

void Incoming::attach(std::vector<Inflow> inflows, std::uint32_t rank_count, std::vector<SharedInflow> shared) {
  inflows_ = std::move(inflows);
  shared_ = std::move(shared);
  sources_.clear();
  sources_.resize(rank_count);
  for (SharedInflow& inflow : shared_) sources_[inflow.source].shared = &inflow;
  ended_ = 0;
}

bool Incoming::drain(std::uint32_t frames, bool leave) {
  bool came = false;
  for (SharedInflow& inflow : shared_) came = drain_shared(inflow, frames, false) || came;
  for (Inflow& inflow : inflows_) {
    for (std::uint32_t i = 0; i < frames; ++i) {
      const wire::FrameHeader* header = inflow.reader.peek();
      if (header == nullptr || (leave && !is_awaited(inflow, *header))) break;
      if (!handle(inflow, *header)) return true;
      inflow.reader.advance();
      came = true;
      if (has_enough()) break;
    }
    if (inflow.reader.fault() != nullptr) fault_ = inflow.reader.fault();
  }
  return came;
}

void Incoming::want_wake(bool wanted) noexcept {
  for (SharedInflow& inflow : shared_) inflow.reader.want_doorbell(wanted);
}

bool Incoming::mail_waits() noexcept {
  ring::Fragment fragment;
  for (SharedInflow& inflow : shared_) {
    if (!inflow.by_relay && inflow.reader.take(fragment) != ring::Taken::nothing) return true;
  }
  return std::any_of(inflows_.begin(), inflows_.end(), [](Inflow& inflow) { return inflow.reader.peek() != nullptr; });
}

/// Whether a frame is anything but the start of a message that would have to be copied to the heap.
bool Incoming::is_awaited(const Inflow& inflow, const wire::FrameHeader& header) const {
  if (header.kind != wire::FrameKind::message_start || header.endpoint - inflow.first_rank >= inflow.rank_count)
    return true;
  const Channel channel = channel_of(header.context);
  if (sources_[header.endpoint].shared != nullptr || channel == Channel::acknowledgement) return true;
  Envelope envelope{header.context, static_cast<std::int32_t>(header.endpoint), header.tag};
  if (channel == Channel::synchronous) envelope.context &= ~kChannelMask;
  for (const Receive* receive = posted_.first(); receive != nullptr; receive = ReceiveQueue::after(*receive)) {
    if (receive->accepts(envelope)) return true;
  }
  return false;
}

bool Incoming::handle(const Inflow& inflow, const wire::FrameHeader& header) {
  if (header.endpoint - inflow.first_rank >= inflow.rank_count) return fail("a message of a rank behind another flow");
  Source& source = sources_[header.endpoint];
  const auto* payload = reinterpret_cast<const std::byte*>(&header + 1);
  switch (header.kind) {
    case wire::FrameKind::message_start:
      if (source.shared != nullptr) {
        handle_start(source, header);
        break;
      }
      if (source.open || header.payload > header.extent) return fail("a message inside another");
      start(header.endpoint, header);
      break;
    case wire::FrameKind::message_part:
      if (!source.open || header.extent + source.before_rest != source.arrived ||
          header.payload > source.extent - source.arrived) {
        return fail("a fragment of no message");
      }
      break;
    case wire::FrameKind::sender_ended:
      catch_up(source);
      end_source(header.endpoint, header.extent != 0 || source.open);
      return fault_ == nullptr;
    case wire::FrameKind::messages_missed:
      return miss(source, header);
    case wire::FrameKind::none:
    case wire::FrameKind::skip:
    case wire::FrameKind::next_segment:
    default:
      return fail("a frame of unknown kind");
  }
  append(source, payload, header.payload);
  return fault_ == nullptr;
}

void Incoming::handle_start(Source& source, const wire::FrameHeader& header) {
  const Channel channel = channel_of(header.context);
  if (channel == Channel::path) return take_note(source, header);
  // It comes by relay whatever the path, and so in the middle of a message that the ring brings.
  if (channel == Channel::acknowledgement && header.extent == 0) return take_acknowledgement(header.endpoint, header);
  catch_up(source);
  if (source.open) cut_short(source);
  start(header.endpoint, header);
}

void Incoming::take_note(Source& source, const wire::FrameHeader& header) {
  const auto note = static_cast<wire::PathNote>(header.tag);
  if (note == wire::PathNote::wake && header.extent == 0) return;
  catch_up(source);
  if (note == wire::PathNote::by_ring) source.shared->by_relay = false;
  if (header.extent == 0) return;
  if (note == wire::PathNote::rest && source.open && header.extent == source.extent - source.arrived) {
    source.before_rest = source.arrived;
    return;
  }
  ignore_message(source, header.extent);
}

void Incoming::take_acknowledgement(std::uint32_t rank, const wire::FrameHeader& header) {
  acknowledged_.push_back({static_cast<std::int32_t>(rank), header.context >> wire::kChannelBits});
}

void Incoming::ignore_message(Source& source, std::uint64_t extent) {
  if (source.open) cut_short(source);
  source.begin(extent);
}

void Incoming::catch_up(Source& source) {
  // More than a ring holds can only come from a sender that goes on writing: it waits its turn.
  constexpr std::uint32_t kWholeRing = wire::kSharedRingBytes / wire::kCacheLine;
  if (source.shared != nullptr) drain_shared(*source.shared, kWholeRing, true);
}

bool Incoming::drain_shared(SharedInflow& inflow, std::uint32_t frames, bool all) {
  bool came = false;
  ring::Fragment fragment;
  while (frames != 0 && !inflow.by_relay) {
    const ring::Taken taken = inflow.reader.take(fragment);
    if (taken == ring::Taken::nothing) break;
    came = true;
    if (taken != ring::Taken::fragment || !accept_shared(inflow, fragment)) {
      inflow.by_relay = true;  // never to be read again
      end_source(inflow.source, true);
      return true;
    }
    inflow.reader.release(fragment);
    --frames;
    if (!all && has_enough()) break;
  }
  if (came) inflow.reader.publish_position();
  return came;
}

bool Incoming::accept_shared(SharedInflow& inflow, const ring::Fragment& fragment) {
  const wire::FrameHeader& header = fragment.header;
  Source& source = sources_[inflow.source];
  if (header.kind == wire::FrameKind::message_start) {
    if (channel_of(header.context) == Channel::path) {
      inflow.by_relay = true;
      return true;
    }
    if (source.open || header.payload > header.extent || header.extent > wire::kMaxMessageBytes) return false;
    start(inflow.source, header);  // whatever the sender says that it is
  } else if (!source.open || header.extent != source.arrived || header.payload > source.extent - source.arrived) {
    return false;
  }
  append(source, fragment.payload, header.payload);
  return fault_ == nullptr;
}

void Incoming::start(std::uint32_t rank, const wire::FrameHeader& header) {
  Source& source = sources_[rank];
  Envelope envelope{header.context, static_cast<std::int32_t>(rank), header.tag};
  source.begin(header.extent);
  const Channel channel = channel_of(header.context);
  if (channel == Channel::acknowledgement) return take_acknowledgement(rank, header);
  std::uint64_t synchronous = 0;
  if (channel == Channel::synchronous) {
    synchronous = ++source.synchronous;
    envelope.context &= ~kChannelMask;
  }
  source.receive = match_posted(envelope);
  if (source.receive != nullptr) {
    bind(*source.receive, envelope, header.extent, synchronous);
    return;
  }
  source.unexpected = new (std::nothrow) Unexpected;
  if (source.unexpected == nullptr) {
    fail("out of memory for unexpected messages");
    return;
  }
  source.unexpected->envelope = envelope;
  source.unexpected->extent = header.extent;
  source.unexpected->synchronous = synchronous;
  unexpected_.push_back(*source.unexpected);
  source.waiting.push_back(*source.unexpected);
}

bool Incoming::miss(Source& source, const wire::FrameHeader& header) {
  std::uint64_t count = 0;
  if (header.payload != sizeof count) return fail("a report of missed messages without their number");
  std::memcpy(&count, &header + 1, sizeof count);
  source.missed.messages += count;
  source.missed.bytes += header.extent;
  if (source.open && count != 0) {
    lose_open(source);
    --count;
  }
  Envelope envelope{header.context, static_cast<std::int32_t>(header.endpoint), header.tag};
  const Channel channel = channel_of(header.context);
  if (channel == Channel::acknowledgement) {  // says that a message was matched, which is so
    if (count != 0) take_acknowledgement(header.endpoint, header);
    return true;
  }
  const bool synchronous = channel == Channel::synchronous;
  if (synchronous) envelope.context &= ~kChannelMask;
  for (; count != 0; --count) {
    Receive* receive = match_posted(envelope);
    if (receive == nullptr) break;
    lose(*receive, envelope, synchronous ? ++source.synchronous : 0);
  }
  if (count == 0) return true;
  auto* message = new (std::nothrow) Unexpected;
  if (message == nullptr) return fail("out of memory for unexpected messages");
  message->envelope = envelope;
  message->missed = count;
  message->synchronous = synchronous ? source.synchronous + 1 : 0;
  if (synchronous) source.synchronous += count;
  unexpected_.push_back(*message);
  source.waiting.push_back(*message);
  return true;
}

void Incoming::lose_open(Source& source) {
  if (source.receive != nullptr) {
    source.receive->length = 0;
    finish(*source.receive, Outcome::missed);
  }
  if (source.unexpected != nullptr) {
    source.unexpected->missed = 1;
    source.unexpected->extent = 0;
  }
  source.close();
}

void Incoming::lose(Receive& receive, Envelope message, std::uint64_t synchronous) {
  receive.matched = message;
  if (synchronous != 0) owed_.push_back({message.source, synchronous});
  finish(receive, Outcome::missed);
}

void Incoming::append(Source& source, const std::byte* bytes, std::uint32_t count) {
  if (fault_ != nullptr) return;
  if (source.receive != nullptr) {
    write(*source.receive, source.arrived, bytes, count);
  } else if (source.unexpected != nullptr && count != 0) {
    Unexpected& message = *source.unexpected;
    if (!reserve(message, count)) {
      fail("out of memory for unexpected messages");
      return;
    }
    std::memcpy(message.data + message.arrived, bytes, count);
    message.arrived += count;
  }
  source.arrived += count;
  if (source.arrived == source.extent) complete(source);
}

void Incoming::complete(Source& source) {
  if (source.receive != nullptr) {
    Receive& receive = *source.receive;
    finish(receive, source.extent > receive.capacity ? Outcome::truncated : Outcome::complete);
  }
  source.close();
}

void Incoming::cut_short(Source& source) {
  if (source.unexpected != nullptr) source.unexpected->cut_short = true;
  if (source.receive != nullptr) finish(*source.receive, Outcome::source_ended);
  source.close();
}

void Incoming::end_source(std::uint32_t rank, bool is_cut_short) {
  Source& source = sources_[rank];
  if (source.ended) return;
  source.ended = true;
  ++ended_;
  if (source.open && (is_cut_short || source.arrived != source.extent)) cut_short(source);
  give_up(false);
}

bool Incoming::give_up(bool self_may_send) {
  bool gave_up = false;
  for (Receive* receive = posted_.first(); receive != nullptr;) {
    Receive* next = ReceiveQueue::after(*receive);
    if (receive->self_may_send == self_may_send && exhausted(receive->wanted, receive->any)) {
      posted_.remove(*receive);
      finish(*receive, Outcome::source_ended);
      gave_up = true;
    }
    receive = next;
  }
  return gave_up;
}

bool Incoming::exhausted(Envelope wanted, const AnySource* any) const {
  const auto ended = [&](std::int32_t rank) { return sources_[static_cast<std::size_t>(rank)].ended; };
  if (wanted.source != kAnySource) return ended(wanted.source);
  if (any == nullptr || any->local_peers || ended_ < any->senders.size()) return false;
  return std::all_of(any->senders.begin(), any->senders.end(), ended);
}

Receive* Incoming::match_posted(Envelope message) {
  for (Receive* receive = posted_.first(); receive != nullptr; receive = ReceiveQueue::after(*receive)) {
    if (receive->accepts(message)) {
      posted_.remove(*receive);
      return receive;
    }
  }
  return nullptr;
}

void Incoming::bind(Receive& receive, Envelope message, std::uint64_t extent, std::uint64_t synchronous) {
  receive.matched = message;
  if (synchronous != 0) owed_.push_back({message.source, synchronous});
  receive.length = std::min(extent, receive.capacity);
  if (!receive.staged || receive.length == 0) return;
  receive.staging.reset(new (std::nothrow) std::byte[receive.length]);
  if (receive.staging == nullptr) receive.outcome = Outcome::no_memory;
}

const Unexpected* Incoming::find(Envelope wanted) const {
  const auto fits = [&](const Unexpected& message) {
    return message.envelope.context == wanted.context && (wanted.tag == kAnyTag || message.envelope.tag == wanted.tag);
  };
  if (wanted.source == kAnySource) {
    const Unexpected* message = unexpected_.first();
    while (message != nullptr && !fits(*message)) message = UnexpectedQueue::after(*message);
    return message;
  }
  const Source& source = sources_[static_cast<std::size_t>(wanted.source)];
  const Unexpected* message = source.waiting.first();
  while (message != nullptr && !fits(*message)) message = decltype(source.waiting)::after(*message);
  return message;
}

bool Incoming::take(Receive& receive) {
  Unexpected* message = claim(receive.wanted);
  if (message != nullptr) {
    receive_claimed(*message, receive);
    return true;
  }
  if (receive.self_may_send || !exhausted(receive.wanted, receive.any)) return false;
  finish(receive, Outcome::source_ended);
  return true;
}

Unexpected* Incoming::claim(Envelope wanted) {
  auto* message = const_cast<Unexpected*>(find(wanted));
  if (message != nullptr && message->missed > 1) return split(*message);
  if (message != nullptr) unqueue(*message);
  return message;
}

Unexpected* Incoming::split(Unexpected& message) {
  auto* one = new (std::nothrow) Unexpected;
  if (one == nullptr) {
    fail("out of memory for unexpected messages");
    return nullptr;
  }
  one->envelope = message.envelope;
  one->missed = 1;
  one->synchronous = message.synchronous;
  if (message.synchronous != 0) ++message.synchronous;
  --message.missed;
  return one;
}

void Incoming::receive_claimed(Unexpected& message, Receive& receive) {
  if (message.missed != 0) {
    lose(receive, message.envelope, message.synchronous);
    std::free(message.data);
    delete &message;
    return;
  }
  bind(receive, message.envelope, message.extent, message.synchronous);
  write(receive, 0, message.data, message.arrived);
  Source& source = sources_[static_cast<std::size_t>(message.envelope.source)];
  if (source.unexpected == &message) {  // the rest comes straight to the receive
    source.unexpected = nullptr;
    source.receive = &receive;
  } else if (message.cut_short) {
    finish(receive, Outcome::source_ended);
  } else {
    finish(receive, message.extent > receive.capacity ? Outcome::truncated : Outcome::complete);
  }
  std::free(message.data);
  delete &message;
}

bool Incoming::withdraw(Receive& receive) {
  for (Receive* queued = posted_.first(); queued != nullptr; queued = ReceiveQueue::after(*queued)) {
    if (queued != &receive) continue;
    posted_.remove(receive);
    return true;
  }
  return false;
}

void Incoming::finish(Receive& receive, Outcome outcome) {
  if (receive.outcome == Outcome::pending) receive.outcome = outcome;
  finished_.push_back(receive);
}

void Incoming::unqueue(Unexpected& message) {
  unexpected_.remove(message);
  sources_[static_cast<std::size_t>(message.envelope.source)].waiting.remove(message);
}

bool Incoming::fail(const char* fault) {
  fault_ = fault;
  return false;
}

}  // namespace sluice::interpose
