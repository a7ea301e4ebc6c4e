// A high side without the library: joins as its rank, and once a file is there sends one honest message and then
// frames that no library writes, to the subject above it.
//
// usage: malformed_side FILE
#include <unistd.h>

#include "tests/attacks/hostile.hpp"

int main(int argc, char** argv) {
  using namespace sluice;           // NOLINT(google-build-using-namespace)
  using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)
  if (argc != 2) return 2;
  RawRank rank;
  join(rank);
  say("ready");
  for (int waited = 0; ::access(argv[1], F_OK) != 0; ++waited) {
    if (waited == 60000) return 4;
    ::usleep(1000);
  }
  send_probe(rank);
  wire::FrameHeader frame{};
  frame.kind = wire::FrameKind::message_part;  // of no message
  frame.payload = 8;
  frame.context = wire::kWorldContext;
  frame.extent = 4096;
  for (std::uint32_t kind = 1; kind < 64; ++kind) {
    const char bytes[8] = {};
    frame.kind = static_cast<wire::FrameKind>(kind + 1);
    frame.endpoint = kind * 77;
    if (!rank.publish(frame, bytes, sizeof bytes)) break;
  }
  return rank.dropped() ? 0 : 5;
}
