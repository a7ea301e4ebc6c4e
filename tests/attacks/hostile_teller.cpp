// A subject's speaker that tells others how many bytes come, in collectives of the communicator of all ranks, and lies.
// It writes the messages that the library would; with `honest` it tells the truth, which shows that they are taken.
//
//   hostile_teller OPERATION LIE
//
// OPERATION: gatherv      two of these ranks send 8 bytes each to a subject above
//            scatterv     this rank sends 8 bytes to each of two ranks above
//            alltoallv    this rank and one behind it exchange 8 bytes with rank 0, over which everything goes
// LIE: honest; wraps (sizes whose sum is small again); largest (twice the longest message); longer (the sizes are true,
// but the message that follows is not).
#include <string_view>

#include "tests/attacks/hostile.hpp"

namespace {

using namespace sluice;           // NOLINT(google-build-using-namespace)
using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)
using Numbers = std::vector<std::uint64_t>;

constexpr std::uint64_t kCollectiveChannel = 3;  // that the library uses, in a context's lowest bits
constexpr std::int32_t kFirstTag = 0;            // of the first collective on a communicator
constexpr std::uint64_t kPart = 8;               // honest bytes
constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
/// Long messages travel in pieces of this size; so many of them run far over the end of any small memory.
constexpr std::uint64_t kPiece = std::uint64_t{128} * 1024;
constexpr int kPieces = 64;

/// One message as the library would send it for a collective.
void send(RawRank& rank, const std::vector<std::byte>& bytes) {
  std::uint64_t offset = 0;
  do {
    const auto part =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes.size() - offset, wire::kMaxFragmentBytes));
    wire::FrameHeader header{};
    header.kind = offset == 0 ? wire::FrameKind::message_start : wire::FrameKind::message_part;
    header.payload = part;
    header.context = wire::kWorldContext | kCollectiveChannel;
    header.tag = kFirstTag;
    header.extent = offset == 0 ? bytes.size() : offset;
    if (!rank.publish(header, bytes.data() + offset, part)) std::exit(4);
    offset += part;
  } while (offset < bytes.size());
}

void tell(RawRank& rank, const Numbers& numbers) {
  std::vector<std::byte> bytes(numbers.size() * sizeof(std::uint64_t));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  send(rank, bytes);
}

void send_parts(RawRank& rank, std::uint64_t bytes) { send(rank, std::vector<std::byte>(bytes, std::byte{'p'})); }

void send_pieces(RawRank& rank) {
  for (int i = 0; i < kPieces; ++i) send_parts(rank, kPiece);
}

/// Sizes of two parts, and then the parts.
void two_parts(RawRank& rank, std::string_view lie, std::uint64_t others) {
  if (lie == "honest" || lie == "longer") {
    tell(rank, {kPart, kPart});
    send_parts(rank, lie == "honest" ? 2 * kPart : kStep);
  } else {
    const bool wraps = lie == "wraps";
    tell(rank, wraps ? Numbers{0 - kStep, kStep + others} : Numbers{wire::kMaxMessageBytes, wire::kMaxMessageBytes});
    send_pieces(rank);
  }
}

/// What the ranks of both subjects send to whom, then what each sends in all, and then that.
void exchange(RawRank& rank, std::string_view lie) {
  if (lie == "honest" || lie == "longer") {
    tell(rank, {kPart, kPart, kPart, kPart, kPart, kPart});
    tell(rank, {3 * kPart, 3 * kPart});
    send_parts(rank, lie == "honest" ? 6 * kPart : kStep);
  } else if (lie == "wraps") {
    tell(rank, {0 - kStep, kStep, 0, kStep, 0 - kStep, 0});  // no row and no column has a byte
    tell(rank, {0, 0});
    send_parts(rank, 0);
  } else {
    const std::uint64_t most = wire::kMaxMessageBytes;
    tell(rank, {most, most, most, most, most, most});
    tell(rank, {3 * most, 3 * most});
    send_pieces(rank);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string_view operation = argv[1];
  RawRank rank;
  join(rank);
  if (Place::from_environment().rank != 0) return 0;  // the first rank speaks for its subject
  if (operation == "gatherv") two_parts(rank, argv[2], 0);
  if (operation == "scatterv") two_parts(rank, argv[2], kPart);
  if (operation == "alltoallv") exchange(rank, argv[2]);
  return 0;
}
