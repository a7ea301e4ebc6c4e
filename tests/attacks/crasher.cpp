// A rank that dies while it starts. README.md says what must come of each stage.
//
//   crasher STAGE [SIGNAL]      default SIGKILL
#include <signal.h>

#include "tests/attacks/hostile.hpp"

namespace {

using namespace sluice;           // NOLINT(google-build-using-namespace)
using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)

[[noreturn]] void die(const char* stage) {
  say(std::string("DYING ") + stage);
  ::kill(::getpid(), SIGKILL);
  std::_Exit(3);
}

void send_half_a_message(RawRank& rank) {
  constexpr char kBytes[1000] = {};
  const wire::FrameHeader header{.kind = wire::FrameKind::message_start,
                                 .payload = sizeof kBytes,
                                 .endpoint = 0,
                                 .tag = 0,
                                 .context = wire::kWorldContext,
                                 .extent = 100000};
  rank.publish(header, kBytes, sizeof kBytes);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string stage = argc == 2 ? argv[1] : "";
  const Place place = Place::from_environment();
  RawRank rank;
  rank.own_rank_in_subject_ = place.rank;
  if (stage == "before_connect") die("before_connect");
  if (!rank.connect(wire::kGuardSocketPath)) return 3;
  if (stage == "before_hello") die("before_hello");
  const wire::Hello hello{wire::kGreetingMagic, wire::kProtocolVersion, place.rank, place.size};
  if (!rank.say(&hello, sizeof hello)) return 3;
  if (stage == "before_answer") die("before_answer");
  if (rank.answer() != wire::GreetingVerdict::welcome) return 3;
  if (stage == "after_mapping") die("after_mapping");
  send_half_a_message(rank);
  if (stage == "within_message") die("within_message");
  std::fprintf(stderr, "usage: crasher before_connect|before_hello|before_answer|after_mapping|within_message\n");
  return 2;
}
