// One receive, from when it is posted until its message is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "untrusted/interpose/request/list.hpp"

namespace sluice::interpose {

/// Wildcards of matching. The host MPIs' own constants differ and are translated at the edge.
inline constexpr std::int32_t kAnySource = -1;
inline constexpr std::int32_t kAnyTag = -1;

/// What a message carries to be matched by (MPI 3.1, section 3.2.3). `source` is a world rank. Passed by value, in
/// registers: one that has just been put together in memory cannot be copied at once.
struct Envelope {
  std::uint64_t context;
  std::int32_t source;
  std::int32_t tag;
};

/// Of no message yet.
inline constexpr Envelope kNoMessage{0, kAnySource, kAnyTag};

enum class Outcome : std::uint8_t {
  pending,
  complete,
  truncated,     ///< the message was longer than the buffer, which holds its beginning
  source_ended,  ///< nothing can complete it any more, or its message was cut short
  missed,        ///< the queue had no room for the message (`when_full: drop`)
  cancelled,
  no_memory,  ///< no room to stage the message
};

/// Who may send what a receive from any source takes.
struct AnySource {
  std::vector<std::int32_t> senders;  ///< world ranks of other subjects
  bool local_peers = false;           ///< other processes of the own subject may, too
};

/// Where a message of another subject goes, and which it may be. Lives as long as the MPI operation.
struct Receive {
  Envelope wanted{};                     ///< source and tag may be wildcards
  const AnySource* any = nullptr;        ///< where the source is a wildcard; null: nobody is known to be able to end
  std::byte* buffer = nullptr;           ///< bytes go here as they arrive, unless they are staged
  std::uint64_t capacity = 0;            ///< bytes that the caller has room for
  bool staged = false;                   ///< not contiguous at the caller: collect the bytes first
  std::unique_ptr<std::byte[]> staging;  ///< made when a message matches

  Outcome outcome = Outcome::pending;
  Envelope matched = kNoMessage;  ///< of the message, once there is one
  std::uint64_t length = 0;       ///< bytes received, at most `capacity`

  /// From any source, and the program goes on meanwhile: it may still send to itself when all others have ended.
  bool self_may_send = false;
  bool internal = false;  ///< of this library's own: whoever posted it looks at `outcome`

  Link<Receive> in_queue;

  [[nodiscard]] bool accepts(Envelope message) const noexcept {
    return wanted.context == message.context && (wanted.source == kAnySource || wanted.source == message.source) &&
           (wanted.tag == kAnyTag || wanted.tag == message.tag);
  }
};

using ReceiveQueue = List<Receive, &Receive::in_queue>;

}  // namespace sluice::interpose
