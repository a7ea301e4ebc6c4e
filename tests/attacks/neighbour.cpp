// Subjects that share the guard and the processors with others, honestly or not, for measuring what that costs the
// others.
//
// usage: neighbour ROLE SECONDS
//   meter    sends messages as fast as it can and prints how many bytes the guard took in each time slot
//   others   take turns: in even slots they send as the meter does, an honest busy neighbour that computes while it
//            waits for room; in odd ones
//     same         the same again, to see the noise
//     empty        messages without bytes, back to back: as many frames as possible
//     endless      fragments of one byte, of a message that never ends
//     doorbell     rings the guard's doorbell without a reason
//     connections  opens further connections and drops them
//     hog          the positive control: eight more threads that only burn time
// Slots are of the host's clock of day, which all sandboxes have in common.
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "tests/attacks/hostile.hpp"

namespace {

using namespace sluice;           // NOLINT(google-build-using-namespace)
using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)
using Clock = std::chrono::system_clock;

constexpr std::size_t kMessage = 8192;
constexpr int kHogs = 8;
constexpr std::chrono::milliseconds kSlot{50};
const std::vector<std::byte> kData(kMessage);

std::int64_t slot_now() { return Clock::now().time_since_epoch() / kSlot; }

/// Until there is room for one more message. Busy, as a program is that has something to compute meanwhile.
void compute_until_room(const RawRank& rank) {
  const std::uint64_t needed = wire::frame_stride(kMessage) * 2 + wire::kTransmitReserve;
  const auto full = [&] {
    return rank.position() + needed > rank.control()->taken.load(std::memory_order_acquire) + wire::kTransmitRingBytes;
  };
  while (full()) continue;
}

bool honest(RawRank& rank) {
  compute_until_room(rank);
  return rank.send(0, kHonestTag, kData.data(), kData.size());
}

bool empty(RawRank& rank) {
  wire::FrameHeader frame{};
  frame.kind = wire::FrameKind::message_start;
  frame.context = wire::kWorldContext;
  return rank.publish(frame, nullptr, 0);
}

/// The next byte of a message of a terabyte. What comes after it is honest again only in name: it never ends.
bool endless(RawRank& rank, std::uint64_t& offset) {
  wire::FrameHeader frame{};
  frame.kind = offset == 0 ? wire::FrameKind::message_start : wire::FrameKind::message_part;
  frame.payload = 1;
  frame.context = wire::kWorldContext;
  frame.extent = offset == 0 ? wire::kMaxMessageBytes : offset;
  ++offset;
  return rank.publish(frame, kData.data(), 1);
}

/// The same rank's honest turn, once its endless message has begun: as many bytes of that one.
bool honest_part(RawRank& rank, std::uint64_t& offset) {
  wire::FrameHeader frame{};
  frame.kind = wire::FrameKind::message_part;
  frame.payload = kMessage;
  frame.context = wire::kWorldContext;
  frame.extent = offset;
  offset += kMessage;
  compute_until_room(rank);
  return rank.publish(frame, kData.data(), kMessage);
}

bool ring_doorbell(const RawRank& rank) {
  const std::uint64_t once = 1;
  for (int i = 0; i < 16; ++i) static_cast<void>(!::write(rank.descriptors()[2], &once, sizeof once));
  return true;
}

bool connect_and_drop() {
  for (int i = 0; i < 4; ++i) RawRank().connect(wire::kGuardSocketPath);
  ::usleep(2000);  // more at once than the guard lets in ends the subject, which would be no attack at all
  return true;
}

void hog(const std::atomic<bool>& over) {
  while (!over.load(std::memory_order_relaxed)) {
    if (slot_now() % 2 == 0) ::usleep(1000);
  }
}

void meter(RawRank& rank, Clock::time_point end) {
  std::map<std::int64_t, std::uint64_t> bytes;
  while (Clock::now() < end && honest(rank)) bytes[slot_now()] += kMessage;
  for (const auto& [slot, count] : bytes) say("SLOT " + std::to_string(slot) + " " + std::to_string(count));
}

bool misbehave(const std::string& role, RawRank& rank, std::uint64_t& offset) {
  if (role == "empty") return empty(rank);
  if (role == "endless") return endless(rank, offset);
  if (role == "doorbell") return ring_doorbell(rank);
  if (role == "connections") return connect_and_drop();
  return honest(rank);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string role = argv[1];
  const auto end = Clock::now() + std::chrono::seconds(std::atoi(argv[2]));
  RawRank rank;
  join(rank);
  if (role == "meter") {
    meter(rank, end);
    return 0;
  }
  std::atomic<bool> over{false};
  std::vector<std::thread> hogs;
  for (int i = 0; role == "hog" && i < kHogs; ++i) hogs.emplace_back(hog, std::cref(over));
  std::uint64_t offset = 0;
  bool good = true;
  while (good && Clock::now() < end) {
    if (slot_now() % 2 == 0) {
      good = offset == 0 ? honest(rank) : honest_part(rank, offset);
    } else {
      good = misbehave(role, rank, offset);
    }
  }
  over.store(true);
  for (std::thread& thread : hogs) thread.join();
  say(good ? "WENT ON" : "STUCK");
  return 0;
}
