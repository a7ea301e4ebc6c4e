// A rank that receives, for tests: its mailbox, filled as the guard would, and what it gets.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "untrusted/interpose/transport/incoming.hpp"

namespace sluice::interpose::testing {

inline constexpr std::uint32_t kSegments = 4;
inline constexpr std::uint32_t kContext = wire::kWorldContext;

/// Ranks 0 and 1 send to rank 2 through one mailbox, which this plays the guard for.
class IncomingTest : public ::testing::Test {
 protected:
  explicit IncomingTest(std::vector<SharedInflow> shared = {})
      : memory_(std::size_t{kSegments} * wire::kSegmentBytes / sizeof(std::uint64_t)) {
    incoming_.attach({Inflow{MailboxReader(base(), kSegments, 0, &cursor_), 0, 2}}, 3, std::move(shared));
  }

  std::byte* base() { return reinterpret_cast<std::byte*>(memory_.data()); }

  /// Takes all that has come.
  void drain_all() {
    while (incoming_.fault() == nullptr && incoming_.drain(10)) continue;
  }

  /// Of the messages that follow.
  void on(Channel channel, std::uint64_t above = kContext >> wire::kChannelBits) {
    context_ = above << wire::kChannelBits | static_cast<std::uint64_t>(channel);
  }

  void put(wire::FrameKind kind, std::uint32_t rank, int tag, std::uint64_t extent, const std::string& bytes) {
    const auto payload = static_cast<std::uint32_t>(bytes.size());
    if (offset_ + wire::frame_stride(payload) + wire::kCacheLine > wire::kSegmentBytes)
      link((segment_ + 1) % kSegments);
    write(kind, rank, tag, extent, bytes);
    offset_ += wire::frame_stride(payload);
  }

  void link(std::uint32_t next) {
    const auto none = static_cast<std::uint32_t>(wire::FrameKind::none);
    std::memcpy(base() + std::size_t{next} * wire::kSegmentBytes, &none, sizeof none);
    write(wire::FrameKind::next_segment, next, 0, 0, {});
    segment_ = next;
    offset_ = 0;
  }

  void message(std::uint32_t rank, int tag, const std::string& bytes) {
    put(wire::FrameKind::message_start, rank, tag, bytes.size(), bytes);
  }

  Receive& receive(std::int32_t source, std::int32_t tag, std::uint64_t capacity = 64) {
    Receive& made = receives_.emplace_back();
    made.wanted = {kContext, source, tag};
    made.any = &anyone_;
    buffers_.emplace_back(capacity, '\0');
    made.buffer = reinterpret_cast<std::byte*>(buffers_.back().data());
    made.capacity = capacity;
    if (!incoming_.take(made)) incoming_.post(made);
    return made;
  }

  static std::string text(const Receive& receive) {
    return {reinterpret_cast<const char*>(receive.staged ? receive.staging.get() : receive.buffer), receive.length};
  }

  Incoming incoming_;
  AnySource anyone_{.senders = {0, 1}, .local_peers = false};
  wire::InflowCursor cursor_{};

 private:
  void write(wire::FrameKind kind, std::uint32_t rank, int tag, std::uint64_t extent, const std::string& bytes) {
    std::byte* frame = base() + std::size_t{segment_} * wire::kSegmentBytes + offset_;
    const wire::FrameHeader header{kind, static_cast<std::uint32_t>(bytes.size()), rank, tag, context_, extent};
    std::memset(frame + wire::frame_stride(header.payload), 0, sizeof(wire::FrameKind));
    std::memcpy(frame, &header, sizeof header);
    std::memcpy(frame + sizeof header, bytes.data(), bytes.size());
  }

  std::uint64_t context_ = kContext;
  std::vector<std::uint64_t> memory_;
  std::uint32_t segment_ = 0;
  std::uint32_t offset_ = 0;
  std::deque<Receive> receives_;
  std::deque<std::string> buffers_;
};

}  // namespace sluice::interpose::testing
