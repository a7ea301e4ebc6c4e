#include "trusted/ring/transmit_reader.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace sluice::ring {
namespace {

using wire::FrameKind;

/// An honest sender over plain memory, which tests then corrupt.
class TransmitReaderTest : public ::testing::Test {
 protected:
  struct alignas(wire::kPage) Area {
    std::byte bytes[wire::kTransmitAreaBytes];
  };

  wire::TransmitControl& control() { return *reinterpret_cast<wire::TransmitControl*>(area_->bytes); }
  std::byte* ring() { return area_->bytes + wire::kPage; }

  void store_kind(std::uint64_t offset, FrameKind kind) {
    __atomic_store_n(reinterpret_cast<std::uint32_t*>(ring() + offset % wire::kTransmitRingBytes),
                     static_cast<std::uint32_t>(kind), __ATOMIC_RELEASE);
  }

  [[nodiscard]] bool room_for(std::uint64_t bytes) {
    return written_ + bytes + wire::kTransmitReserve <=
           control().taken.load(std::memory_order_acquire) + wire::kTransmitRingBytes;
  }

  void write(const wire::FrameHeader& header, const std::vector<std::byte>& payload) {
    const std::uint32_t stride = wire::frame_stride(static_cast<std::uint32_t>(payload.size()));
    const std::uint64_t left = wire::kTransmitRingBytes - written_ % wire::kTransmitRingBytes;
    if (left < stride) {
      while (!room_for(left + stride)) std::this_thread::yield();
      store_kind(0, FrameKind::none);
      store_kind(written_, FrameKind::skip);
      written_ += left;
    }
    while (!room_for(stride)) std::this_thread::yield();
    std::byte* frame = ring() + written_ % wire::kTransmitRingBytes;
    store_kind(written_ + stride, FrameKind::none);
    if (!payload.empty()) std::memcpy(frame + sizeof header, payload.data(), payload.size());
    wire::store_header(frame, header);
    store_kind(written_, header.kind);
    written_ += stride;
  }

  wire::FrameHeader header(std::uint32_t payload) {
    wire::FrameHeader made{};
    made.kind = FrameKind::message_start;
    made.payload = payload;
    made.extent = payload;
    return made;
  }

  std::unique_ptr<Area> area_ = std::make_unique<Area>();
  TransmitReader reader_{area_->bytes};
  std::uint64_t written_ = 0;
};

TEST_F(TransmitReaderTest, EmptyRingHoldsNothing) {
  Fragment fragment;
  EXPECT_EQ(reader_.take(fragment), Taken::nothing);
}

TEST_F(TransmitReaderTest, FragmentsArriveWholeAndInOrderRoundAndRound) {
  std::thread sender([this] {
    std::mt19937 random(5);
    for (std::uint32_t i = 0; i < 4'000; ++i) {
      auto made = header(static_cast<std::uint32_t>(random() % (wire::kMaxFragmentBytes + 1)));
      made.tag = static_cast<std::int32_t>(i);
      write(made, std::vector<std::byte>(made.payload, static_cast<std::byte>(i)));
    }
  });
  for (std::uint32_t i = 0; i < 4'000;) {
    Fragment fragment;
    const Taken taken = reader_.take(fragment);
    if (taken == Taken::nothing) {
      reader_.publish_position();
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(taken, Taken::fragment);
    ASSERT_EQ(fragment.header.tag, static_cast<std::int32_t>(i));
    for (std::uint32_t b = 0; b < fragment.header.payload; ++b) {
      ASSERT_EQ(fragment.payload[b], static_cast<std::byte>(i));
    }
    reader_.release(fragment);
    ++i;
  }
  sender.join();
}

TEST_F(TransmitReaderTest, EveryForgedHeaderIsNamed) {
  const auto verdict = [this](wire::FrameHeader forged) {
    std::memcpy(ring(), &forged, sizeof forged);
    Fragment fragment;
    return TransmitReader(area_->bytes).take(fragment);
  };
  wire::FrameHeader good = header(100);
  EXPECT_EQ(verdict(good), Taken::fragment) << "positive control";
  auto forged = good;
  forged.payload = wire::kMaxFragmentBytes + 1;
  EXPECT_EQ(verdict(forged), Taken::oversized);
  forged.payload = 0xffffffff;
  EXPECT_EQ(verdict(forged), Taken::oversized);
  for (const std::uint32_t kind : {4U, 5U, 6U, 0x80000000U, 0xffffffffU}) {
    forged = good;
    forged.kind = static_cast<FrameKind>(kind);
    EXPECT_EQ(verdict(forged), Taken::unknown_kind) << kind;
  }
  forged.kind = FrameKind::skip;
  EXPECT_EQ(verdict(forged), Taken::unknown_kind) << "a skip at the ring's start would turn the guard in circles";
}

TEST_F(TransmitReaderTest, APayloadThatPassesTheRingsEndIsNamed) {
  // Fill the ring but for one line, taking as we go, so that the next header lies on the ring's last line.
  Fragment fragment;
  while (written_ < wire::kTransmitRingBytes - wire::kCacheLine) {
    write(header(0), {});
    ASSERT_EQ(reader_.take(fragment), Taken::fragment);
    reader_.release(fragment);
  }
  auto forged = header(33);
  std::memcpy(ring() + written_, &forged, sizeof forged);
  EXPECT_EQ(reader_.take(fragment), Taken::oversized);
  forged.payload = 32;
  std::memcpy(ring() + written_, &forged, sizeof forged);
  EXPECT_EQ(reader_.take(fragment), Taken::fragment) << "positive control: up to the end is right";
}

TEST_F(TransmitReaderTest, AHeaderThatChangesAfterTheCheckChangesNothing) {
  write(header(8), std::vector<std::byte>(8));
  Fragment fragment;
  ASSERT_EQ(reader_.take(fragment), Taken::fragment);
  reinterpret_cast<wire::FrameHeader*>(ring())->payload = 0xffffffff;
  EXPECT_EQ(fragment.header.payload, 8U);
  reader_.release(fragment);
  EXPECT_EQ(reader_.position(), wire::kCacheLine);
}

TEST_F(TransmitReaderTest, TheSendersCopyOfThePositionIsNeverRead) {
  write(header(8), std::vector<std::byte>(8));
  control().taken.store(~std::uint64_t{0} - 5, std::memory_order_relaxed);
  Fragment fragment;
  ASSERT_EQ(reader_.take(fragment), Taken::fragment);
  reader_.release(fragment);
  reader_.publish_position();
  EXPECT_EQ(control().taken.load(), wire::kCacheLine);
}

}  // namespace
}  // namespace sluice::ring
