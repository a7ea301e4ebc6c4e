#include "untrusted/interpose/transport/transmit_ring.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

namespace sluice::interpose {
namespace {

/// A transmit area in private memory, and the guard's part in it.
class TransmitRingTest : public testing::Test {
 protected:
  TransmitRingTest() : area_(static_cast<std::byte*>(std::aligned_alloc(wire::kPage, wire::kTransmitAreaBytes))) {
    std::memset(area_.get(), 0, wire::kTransmitAreaBytes);
    new (area_.get()) wire::TransmitControl;
  }

  wire::TransmitControl& control() { return *reinterpret_cast<wire::TransmitControl*>(area_.get()); }
  std::byte* ring() { return area_.get() + wire::kPage; }

  /// Takes the next frame as the guard does. Returns false if there is none.
  bool take(wire::FrameHeader& header, std::vector<std::byte>& payload) {
    std::memcpy(&header, ring() + read_ % wire::kTransmitRingBytes, sizeof header);
    if (header.kind == wire::FrameKind::skip) {
      read_ += wire::kTransmitRingBytes - read_ % wire::kTransmitRingBytes;
      std::memcpy(&header, ring(), sizeof header);
    }
    if (header.kind == wire::FrameKind::none) return false;
    const std::byte* bytes = ring() + read_ % wire::kTransmitRingBytes + sizeof header;
    payload.assign(bytes, bytes + header.payload);
    read_ += wire::frame_stride(header.payload);
    return true;
  }
  void release() { control().taken.store(read_); }

  static wire::FrameHeader header(std::uint32_t payload, int tag) {
    return {.kind = wire::FrameKind::message_start,
            .payload = payload,
            .endpoint = 3,
            .tag = tag,
            .context = wire::kWorldContext,
            .extent = payload};
  }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> area_;
  std::uint64_t read_ = 0;
};

TEST_F(TransmitRingTest, FramesComeOutAsTheyWentInAroundTheEnd) {
  TransmitRing writer(reinterpret_cast<std::byte*>(&control()), -1);
  std::mt19937 random(7);
  std::vector<std::byte> sent(wire::kMaxFragmentBytes);
  std::vector<std::byte> taken;
  for (int i = 0; i < 2000; ++i) {
    const auto size = static_cast<std::uint32_t>(random() % (wire::kMaxFragmentBytes + 1));
    for (std::uint32_t k = 0; k < size; ++k) sent[k] = static_cast<std::byte>(random());
    ASSERT_TRUE(writer.has_room(size));
    writer.put(header(size, i), sent.data());
    wire::FrameHeader got{};
    ASSERT_TRUE(take(got, taken));
    EXPECT_EQ(got.tag, i);
    EXPECT_EQ(got.extent, size);
    EXPECT_TRUE(std::equal(taken.begin(), taken.end(), sent.begin(), sent.begin() + size));
    ASSERT_FALSE(take(got, taken)) << "stale bytes were taken for a frame";
    release();
  }
  EXPECT_GT(writer.position(), std::uint64_t{10} * wire::kTransmitRingBytes);
}

TEST_F(TransmitRingTest, FullRingHasNoRoomUntilTheGuardTakes) {
  TransmitRing writer(reinterpret_cast<std::byte*>(&control()), -1);
  const std::vector<std::byte> bytes(wire::kMaxFragmentBytes);
  int frames = 0;
  while (writer.has_room(wire::kMaxFragmentBytes)) writer.put(header(wire::kMaxFragmentBytes, frames++), bytes.data());
  EXPECT_EQ(frames, wire::kTransmitRingBytes / wire::frame_stride(wire::kMaxFragmentBytes) - 1);
  EXPECT_LE(writer.position() + wire::kTransmitReserve, wire::kTransmitRingBytes);
  wire::FrameHeader got{};
  std::vector<std::byte> taken;
  for (int i = 0; i < frames; ++i) {
    ASSERT_TRUE(take(got, taken));
    EXPECT_EQ(got.tag, i);
  }
  EXPECT_FALSE(writer.has_room(wire::kMaxFragmentBytes));
  release();
  EXPECT_TRUE(writer.has_room(wire::kMaxFragmentBytes));
}

TEST_F(TransmitRingTest, DoorbellRingsOnlyForAGuardThatSleeps) {
  const int doorbell = ::eventfd(0, EFD_NONBLOCK);
  TransmitRing writer(reinterpret_cast<std::byte*>(&control()), doorbell);
  eventfd_t rings = 0;
  writer.put(header(0, 1), nullptr);
  EXPECT_FALSE(writer.reader_sleeps());
  writer.wake_guard();
  EXPECT_NE(::eventfd_read(doorbell, &rings), 0);
  control().doorbell_wanted = 1;
  writer.put(header(0, 2), nullptr);
  EXPECT_TRUE(writer.reader_sleeps());
  writer.wake_guard();
  EXPECT_EQ(::eventfd_read(doorbell, &rings), 0);
  EXPECT_EQ(rings, 1U);
  ::close(doorbell);
}

}  // namespace
}  // namespace sluice::interpose
