// A rank that writes what it should not into its transmit memory. README.md says what must come of each misdeed.
//
//   hostile_sender MISDEED
#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "tests/attacks/hostile.hpp"

namespace {

using namespace sluice;           // NOLINT(google-build-using-namespace)
using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)
using wire::FrameHeader;
using wire::FrameKind;

constexpr char kBytes[wire::kMaxFragmentBytes] = {};

FrameHeader header(FrameKind kind, std::uint32_t payload, std::uint32_t capability, std::uint64_t extent) {
  return {.kind = kind,
          .payload = payload,
          .endpoint = capability,
          .tag = 0,
          .context = wire::kWorldContext,
          .extent = extent};
}

/// Writes a header with as much payload as fits a small frame, whatever the header claims.
void write(RawRank& rank, const FrameHeader& frame, std::uint32_t real_payload = 8) {
  rank.publish(frame, kBytes, real_payload);
}

FrameHeader start(std::uint32_t payload, std::uint64_t total, std::uint32_t capability = 0) {
  return header(FrameKind::message_start, payload, capability, total);
}

FrameHeader part(std::uint32_t payload, std::uint64_t offset, std::uint32_t capability = 0) {
  return header(FrameKind::message_part, payload, capability, offset);
}

/// Sends empty messages until `left` bytes of the ring are left before its end.
void go_near_end(RawRank& rank, std::uint32_t left) {
  while (rank.position() % wire::kTransmitRingBytes != wire::kTransmitRingBytes - left) write(rank, start(0, 0), 0);
}

void past_ring_end(RawRank& rank) {
  go_near_end(rank, wire::kCacheLine);
  // 100 bytes do not fit into the last line. publish() would step over it, so the header goes there by hand.
  const FrameHeader frame = start(100, 100);
  const auto offset = static_cast<std::uint32_t>(rank.position() % wire::kTransmitRingBytes);
  std::memcpy(rank.ring() + offset + 4, reinterpret_cast<const char*>(&frame) + 4, sizeof frame - 4);
  rank.store_kind(offset, FrameKind::message_start, std::memory_order_release);
  rank.ring_doorbell();
}

void skip_upon_skip(RawRank& rank) {
  const auto offset = static_cast<std::uint32_t>(rank.position() % wire::kTransmitRingBytes);
  rank.store_kind(0, FrameKind::skip, std::memory_order_relaxed);
  rank.store_kind(offset, FrameKind::skip, std::memory_order_release);
  rank.ring_doorbell();
}

/// Round the ring by messages without bytes, and over its end by a skip, again and again.
void skip_circles(RawRank& rank) {
  for (int circle = 0; circle < 5; ++circle) {
    write(rank, start(0, 0), 0);
    go_near_end(rank, wire::kCacheLine);
    const auto offset = static_cast<std::uint32_t>(rank.position() % wire::kTransmitRingBytes);
    // 100 bytes do not fit into what is left: publish() skips to the ring's start.
    if (offset != 0) write(rank, start(100, 100), 100);
  }
}

void garbage(RawRank& rank) {
  std::mt19937_64 random(rank.position() + 42);
  auto* word = reinterpret_cast<std::uint64_t*>(rank.ring());
  for (std::size_t i = 0; i < wire::kTransmitRingBytes / sizeof *word; ++i) word[i] = random();
  rank.ring_doorbell();
}

/// Sends honestly for two seconds while another thread writes into headers that the guard is about to read.
/// `spoil` gets the 32-bit words of a header.
void race(RawRank& rank, const std::function<void(volatile std::uint32_t*, std::mt19937&)>& spoil) {
  std::atomic<bool> done{false};
  std::atomic<std::uint32_t> newest{0};
  std::thread other([&] {
    std::mt19937 random(1);
    while (!done.load(std::memory_order_relaxed)) {
      const std::uint32_t line = newest.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(random() % 4) * 64;
      spoil(reinterpret_cast<volatile std::uint32_t*>(rank.ring() + line % wire::kTransmitRingBytes), random);
    }
  });
  std::uint32_t sent = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < end) {
    newest.store(static_cast<std::uint32_t>(rank.position() % wire::kTransmitRingBytes), std::memory_order_relaxed);
    if (!rank.publish(start(8, 8), kBytes, 8)) break;
    // No faster than a victim on a busy machine can take.
    if (++sent % 64 == 0) ::usleep(100);
  }
  done.store(true);
  other.join();
}

/// Any word but the kind, by any value.
void race_any(RawRank& rank) {
  race(rank, [](volatile std::uint32_t* words, std::mt19937& random) {
    words[1 + random() % 7] = static_cast<std::uint32_t>(random());
  });
}

/// Values that are all allowed, so that the guard goes on reading for the whole time: which of the victim's ranks, in
/// which context, with which tag, and the payload.
void race_allowed(RawRank& rank) {
  race(rank, [](volatile std::uint32_t* words, std::mt19937& random) {
    const auto value = static_cast<std::uint32_t>(random());
    words[2] = value & 1;
    words[3] = value;
    words[4] = value;
    words[8] = value;
  });
}

/// Half a message, then the end of the process.
void unfinished(RawRank& rank) {
  write(rank, start(1000, 100000), 1000);
  say("EXITING");
  std::_Exit(0);
}

void false_positions(RawRank& rank) {
  rank.control()->taken.store(~std::uint64_t{0} / 2);
  rank.control()->doorbell_wanted.store(77);
  rank.send(0, kProbeTag, kProbeText, sizeof kProbeText);
}

/// The doorbell is an eventfd that the guard reads: full, empty, and made to block.
void doorbell_games(RawRank& rank) {
  const int doorbell = rank.descriptors()[2];
  const int flags = ::fcntl(doorbell, F_GETFL);
  ::fcntl(doorbell, F_SETFL, flags & ~O_NONBLOCK);
  for (int i = 0; i < 2000; ++i) {
    std::uint64_t count = i % 2 == 0 ? 0xfffffffffffffffe : 1;
    ::fcntl(doorbell, F_SETFL, flags | O_NONBLOCK);
    static_cast<void>(!::write(doorbell, &count, sizeof count));
    static_cast<void>(!::read(doorbell, &count, sizeof count));
    ::fcntl(doorbell, F_SETFL, flags & ~O_NONBLOCK);
  }
  rank.send(0, kProbeTag, kProbeText, sizeof kProbeText);
}

/// Takes the memory away from under the guard, as far as it goes. Prints what each step came to.
void shrink_memory(RawRank& rank) {
  const auto tell = [](const char* what, int returned) {
    say(std::string("STEP ") + what + " " + (returned == 0 ? "done" : ::strerrorname_np(errno)));
  };
  const int transmit = rank.descriptors()[1];
  const int cursor = rank.descriptors()[3];
  tell("shrink_transmit", ::ftruncate(transmit, 0));
  tell("grow_transmit", ::ftruncate(transmit, 1 << 30));
  tell("shrink_cursor", ::ftruncate(cursor, 0));
  tell("seal_transmit_write", ::fcntl(transmit, F_ADD_SEALS, F_SEAL_WRITE));
  tell("punch_transmit",
       ::fallocate(transmit, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, wire::kTransmitAreaBytes));
  tell("punch_cursor", ::fallocate(cursor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, wire::kPage));
  // The guard's view of the ring is empty now and its positions are what they were: honest sending goes on.
  rank.send(0, kProbeTag, kProbeText, sizeof kProbeText);
}

void empty_storm(RawRank& rank) {
  for (int i = 0; i < 50000; ++i) write(rank, start(0, 0), 0);
}

std::vector<Misdeed> bad_headers() {
  constexpr std::uint32_t over = wire::kMaxFragmentBytes + 1;
  const auto kind = [](std::uint32_t number) {
    return [number](RawRank& r) { write(r, header(static_cast<FrameKind>(number), 8, 0, 8)); };
  };
  return {
      {"endpoint_next", [](RawRank& r) { write(r, start(8, 8, 2)); }},
      {"endpoint_of_bystander", [](RawRank& r) { write(r, start(8, 8, r.table()->rank_count - 1)); }},
      {"endpoint_none", [](RawRank& r) { write(r, start(8, 8, wire::kNoCapability)); }},
      {"length_largest", [](RawRank& r) { write(r, start(0xffffffff, 8)); }},
      {"length_over_bound", [](RawRank& r) { write(r, start(over, over)); }},
      {"length_past_ring", past_ring_end},
      {"kind_unknown", kind(99)},
      {"kind_next_segment", kind(static_cast<std::uint32_t>(FrameKind::next_segment))},
      {"kind_sender_ended", kind(static_cast<std::uint32_t>(FrameKind::sender_ended))},
      {"total_over_bound", [](RawRank& r) { write(r, start(8, wire::kMaxMessageBytes + 1)); }},
      {"skip_upon_skip", skip_upon_skip},
  };
}

std::vector<Misdeed> bad_messages() {
  return {
      {"total_too_small", [](RawRank& r) { write(r, start(8, 4)); }},
      {"empty_first_fragment", [](RawRank& r) { write(r, start(0, 10), 0); }},
      {"empty_fragment_storm",
       [](RawRank& r) {
         write(r, start(8, 100));
         for (int i = 0; i < 1000; ++i) write(r, part(0, 8), 0);
       }},
      {"part_without_start", [](RawRank& r) { write(r, part(8, 0)); }},
      {"start_within_message",
       [](RawRank& r) {
         write(r, start(8, 100));
         write(r, start(8, 8));
       }},
      {"part_to_another",
       [](RawRank& r) {
         write(r, start(8, 16, 0));
         write(r, part(8, 8, 1));
       }},
      {"offset_forged",
       [](RawRank& r) {
         write(r, start(8, 100));
         write(r, part(8, 64));
       }},
      {"part_past_total",
       [](RawRank& r) {
         write(r, start(8, 12));
         write(r, part(8, 8));
       }},
  };
}

std::vector<Misdeed> all_misdeeds() {
  std::vector<Misdeed> all = bad_headers();
  for (const Misdeed& misdeed : bad_messages()) all.push_back(misdeed);
  const std::vector<Misdeed> rest = {
      {"honest", [](RawRank&) {}},      {"garbage", garbage},
      {"race_any", race_any},           {"race_allowed", race_allowed},
      {"unfinished", unfinished},       {"false_positions", false_positions},
      {"skip_circles", skip_circles},   {"doorbell_games", doorbell_games},
      {"shrink_memory", shrink_memory}, {"empty_storm", empty_storm},
  };
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Misdeed> misdeeds = all_misdeeds();
  const Misdeed& misdeed = chosen(misdeeds, argc, argv);
  RawRank rank;
  join(rank);
  send_probe(rank);
  misdeed.act(rank);
  // A guard that minds closes the connection; one that does not leaves it open.
  say(rank.dropped(1000) ? "DROPPED" : "STILL CONNECTED");
  return 0;
}
